#include "storage/attempt_owner.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "smallpond/error.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwnerName = "owner";

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

}  // namespace

void WriteAttemptOwner(const std::string& attempt_folder) {
  std::string pid = std::to_string(getpid());
  std::ofstream file(fs::path(attempt_folder) / kOwnerName);
  file << MachineName() << "\n" << pid << "\n" << StartTime(pid) << "\n";
  file.close();
  if (!file)
    throw Error(ErrorKind::kIo, "Writing to '" + attempt_folder +
                                    "' failed. Is the disk full, or the folder read-only?");
}

bool AttemptOwnerMayLive(const std::string& attempt_folder) {
  std::ifstream file(fs::path(attempt_folder) / kOwnerName);
  std::string machine, pid, start;
  std::getline(file, machine);
  std::getline(file, pid);
  std::getline(file, start);
  if (!start.empty() && machine == MachineName()) return StartTime(pid) == start;
  // Of another machine, or its owner is being written just now.
  std::error_code error;
  auto changed = fs::last_write_time(attempt_folder, error);
  if (error) return false;  // Gone.
  return fs::file_time_type::clock::now() - changed < std::chrono::hours(24 * kForeignAttemptDays);
}

}  // namespace smallpond
