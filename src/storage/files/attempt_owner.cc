#include "storage/files/attempt_owner.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <system_error>

#include "storage/files/file_identity.h"
#include "storage/files/file_system.h"
#include "storage/files/io_error.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAttemptPrefix = "attempt";
constexpr const char* kCommittingMark = "committing";

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

bool IsYoung(const std::string& path) {
  FileIdentity folder = Identify(path);
  return folder.inode != 0 && folder.modified_ns > DaysAgoNs(kForeignAttemptDays);
}

// What attempts of an output begin with. File systems end names at 255 bytes.
std::string SiblingPrefix(const std::string& output) {
  constexpr size_t kMaxOutputBytes = 120;
  return "." + output.substr(0, kMaxOutputBytes) + ".";
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

std::string SiblingAttemptName(const std::string& output, const std::string& tag) {
  return SiblingPrefix(output) + AttemptName(tag);
}

bool IsSiblingAttempt(const std::string& name) {
  size_t attempt = name.rfind(std::string(".") + kAttemptPrefix + "-");
  return name.starts_with('.') && attempt != std::string::npos && attempt > 0;
}

bool IsSiblingAttempt(const std::string& name, const std::string& output) {
  std::string prefix = SiblingPrefix(output);
  return name.starts_with(prefix) && IsAttempt(name.substr(prefix.size()));
}

Owner OwnerOf(const std::string& name) {
  // The first word may be of an output's name, with anything in it.
  std::stringstream text(IsSiblingAttempt(name) ? name.substr(name.rfind('.') + 1) : name);
  std::string prefix, tag, machine, pid, start;
  for (std::string* part : {&prefix, &tag, &machine, &pid, &start}) std::getline(text, *part, '-');
  if (start.empty() || machine != MachineHash() || !SeesOwnNamespace()) return Owner::kUnknown;
  return StartTime(pid) == start ? Owner::kRuns : Owner::kGone;
}

bool AttemptOwnerMayLive(const std::string& attempt_folder) {
  Owner owner = OwnerOf(fs::path(attempt_folder).filename().string());
  return owner == Owner::kUnknown ? IsYoung(attempt_folder) : owner == Owner::kRuns;
}

void MarkCommitting(const std::string& attempt_folder) {
  std::error_code error = MakeFolder(fs::path(attempt_folder) / kCommittingMark);
  if (error) ThrowIo("Making a folder in", attempt_folder, error);
}

void UnmarkCommitting(const std::string& attempt_folder) {
  RemoveEmptyFolder(fs::path(attempt_folder) / kCommittingMark);
}

bool MayBeCommitted(const std::string& attempt_folder) {
  if (!Exists(fs::path(attempt_folder) / kCommittingMark)) return false;
  for (const auto& entry : ListFolder(attempt_folder).entries) {
    if (entry.name().starts_with("manifest-")) return false;
  }
  return IsYoung(attempt_folder);
}

}  // namespace smallpond
