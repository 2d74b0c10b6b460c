#include "storage/job_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <random>
#include <regex>
#include <system_error>

#include "smallpond/error.h"
#include "storage/attempt_owner.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void ThrowIo(const std::string& what, const std::string& path, int error) {
  throw Error(ErrorKind::kIo, what + " '" + path + "' failed: " + std::strerror(error) + ".");
}

void MakePrivateFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) ThrowIo("Making the folder", path, errno);
}

// When, so that people find theirs, and a number that no other job has.
std::string NewTag() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32], number[16];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &parts);
  std::snprintf(number, sizeof number, "%08x", std::random_device()());
  return std::string(text) + number;
}

// When something was last added to the folder or its log.
fs::file_time_type LastChange(const fs::path& folder) {
  std::error_code error;
  auto changed = fs::last_write_time(folder, error);
  if (error) return fs::file_time_type::min();
  auto logged = fs::last_write_time(folder / "events.jsonl", error);
  return error ? changed : std::max(changed, logged);
}

// A folder that a job of this account made, and nothing that looks like one from afar.
bool IsOurs(const fs::path& path) {
  static const std::regex name("job-[0-9]{8}T[0-9]{6}[0-9a-f]{8}-[0-9a-f]{16}-[0-9]+-[0-9]+");
  struct stat status{};
  return std::regex_match(path.filename().string(), name) && ::lstat(path.c_str(), &status) == 0 &&
         S_ISDIR(status.st_mode) && status.st_uid == ::geteuid();
}

void RemoveOldJobs(const fs::path& root) {
  const auto kept = std::chrono::hours(24 * JobDirectory::kKeptDays);
  std::error_code error;
  auto entry = fs::directory_iterator(root, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    if (!IsOurs(path) || fs::file_time_type::clock::now() - LastChange(path) < kept) continue;
    if (AttemptOwnerMayLive(path.string())) continue;
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
}

}  // namespace

JobDirectory::JobDirectory(const std::string& root, int num_stages) {
  std::error_code error;
  fs::create_directories(root, error);
  if (error) {
    throw Error(ErrorKind::kIo,
                "Making the folder '" + root + "' failed: " + error.message() + ".");
  }
  RemoveOldJobs(root);
  path_ = (fs::path(root) / OwnedName("job", NewTag())).string();
  MakePrivateFolder(path_);
  MakePrivateFolder(path_ + "/fragments");
  for (int stage = 0; stage < num_stages; ++stage) MakePrivateFolder(StagePath(stage));
}

void JobDirectory::Remove() {
  if (getpid() != owner_pid_) return;  // Forked: the job is the parent's.
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void JobDirectory::WriteNew(const std::string& path, const std::string& content) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) ThrowIo("Creating", path, errno);
  size_t written = 0;
  while (written < content.size()) {
    ssize_t n = ::write(file, content.data() + written, content.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int error = errno;
      ::close(file);
      ThrowIo("Writing", path, error);
    }
    written += static_cast<size_t>(n);
  }
  // On network file systems the rows arrive when the file is closed, or fail to.
  if (::close(file) != 0) ThrowIo("Writing", path, errno);
}

}  // namespace smallpond
