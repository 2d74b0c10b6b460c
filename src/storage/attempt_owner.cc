#include "storage/attempt_owner.h"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <system_error>

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAttemptPrefix = "attempt";

// The name of the machine since it was started: a host name alone may be another container's.
std::string MachineName() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code error;
  std::string pid_namespace = fs::read_symlink("/proc/self/ns/pid", error).string();
  return std::string(host) + " " + boot + " " + pid_namespace;
}

// Short enough for a file's name (FNV-1a).
std::string MachineHash() {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : MachineName()) hash = (hash ^ c) * 0x100000001b3;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

// When a process started, in clock ticks: its number may be taken by another later. "" where it
// does not run: a process that ended stays listed as a zombie until its parent asks for it.
std::string StartTime(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size_t after_name = text.rfind(')');  // The name may hold spaces and parentheses.
  if (after_name == std::string::npos) return "";
  if (text.compare(after_name, 3, ") Z") == 0 || text.compare(after_name, 3, ") X") == 0) return "";
  size_t position = after_name + 1;
  for (int field = 3; field < 22; ++field) position = text.find(' ', position + 1);
  return text.substr(position + 1, text.find(' ', position + 1) - position - 1);
}

// Whether /proc tells of the processes that this one has the numbers of. A PID namespace that was
// made without mounting /proc anew sees those of another.
bool SeesOwnNamespace() {
  std::error_code error;
  return fs::read_symlink("/proc/self", error).string() == std::to_string(getpid());
}

}  // namespace

std::string OwnedName(const std::string& prefix, const std::string& tag) {
  std::string pid = std::to_string(getpid());
  std::string start = SeesOwnNamespace() ? StartTime(pid) : "";
  return prefix + "-" + tag + "-" + MachineHash() + "-" + pid + "-" + start;
}

std::string AttemptName(const std::string& tag) { return OwnedName(kAttemptPrefix, tag); }

bool IsOwnedName(const std::string& name, const std::string& prefix) {
  static const std::regex rest("-[0-9A-Za-z]+-[0-9a-f]{16}-[0-9]+-[0-9]*");
  return name.starts_with(prefix) && std::regex_match(name.substr(prefix.size()), rest);
}

bool IsAttempt(const std::string& name) {
  return name.starts_with(std::string(kAttemptPrefix) + "-");
}

Owner OwnerOf(const std::string& name) {
  std::stringstream text(name);
  std::string prefix, tag, machine, pid, start;
  for (std::string* part : {&prefix, &tag, &machine, &pid, &start}) std::getline(text, *part, '-');
  if (start.empty() || machine != MachineHash() || !SeesOwnNamespace()) return Owner::kUnknown;
  return StartTime(pid) == start ? Owner::kRuns : Owner::kGone;
}

bool AttemptOwnerMayLive(const std::string& attempt_folder) {
  Owner owner = OwnerOf(fs::path(attempt_folder).filename().string());
  if (owner != Owner::kUnknown) return owner == Owner::kRuns;
  std::error_code error;
  auto changed = fs::last_write_time(attempt_folder, error);
  if (error) return false;  // Gone.
  return fs::file_time_type::clock::now() - changed < std::chrono::hours(24 * kForeignAttemptDays);
}

}  // namespace smallpond
