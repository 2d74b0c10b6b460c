#include "storage/job/job_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "smallpond/error.h"
#include "storage/files/attempt_owner.h"
#include "storage/files/io_error.h"
#include "storage/files/private_folder.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr const char* kJobPrefix = "job";
constexpr const char* kEndedFile = "ended";

// When, so that people find theirs, and a number that no other job has.
std::string NewTag() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &parts);
  return text + RandomTag();
}

// When something last happened: the log tells; the note of its end is no news of a job.
fs::file_time_type LastChange(const fs::path& folder) {
  std::error_code error;
  auto logged = fs::last_write_time(folder / "events.jsonl", error);
  if (!error) return logged;
  auto changed = fs::last_write_time(folder, error);
  return error ? fs::file_time_type::min() : changed;
}

// What a folder's files take up on the disk.
uint64_t BytesBelow(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    struct stat status{};
    if (::lstat(entry->path().c_str(), &status) == 0)
      bytes += static_cast<uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

// The bytes of a job in which nobody works. They are noted, for the files may be many thousands,
// and every job that begins asks.
uint64_t NotedBytes(const fs::path& folder) {
  std::string path = folder / kEndedFile;
  uint64_t bytes = 0;
  if (std::ifstream(path) >> bytes) return bytes;
  bytes = BytesBelow(folder);
  try {
    JobDirectory::WriteNew(path, std::to_string(bytes) + "\n");
  } catch (const Error&) {  // Somebody else notes it too, or the disk is full.
  }
  return bytes;
}

// Whether nobody works in the folder of a job.
bool HasEnded(const fs::path& folder, bool is_old) {
  std::error_code error;
  if (fs::exists(folder / kEndedFile, error)) return true;
  Owner owner = OwnerOf(folder.filename().string());
  return owner == Owner::kUnknown ? is_old : owner == Owner::kGone;
}

uint64_t ShareOfDisk(const fs::path& folder) {
  std::error_code error;
  auto space = fs::space(folder, error);
  if (error) return std::numeric_limits<uint64_t>::max();
  return static_cast<uint64_t>(JobDirectory::kKeptShare * static_cast<double>(space.capacity));
}

// Removes the jobs of this account that have ended: those that are too old, and of the others the
// oldest, until what is kept is within its limit.
void RemoveEndedJobs(const fs::path& root, std::optional<uint64_t> max_kept_bytes) {
  const auto oldest =
      fs::file_time_type::clock::now() - std::chrono::hours(24 * JobDirectory::kKeptDays);
  std::vector<std::pair<fs::file_time_type, fs::path>> ended;
  std::error_code error;
  auto entry = fs::directory_iterator(root, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    if (!IsOwnedName(path.filename().string(), kJobPrefix) || !IsOwnFolder(path)) continue;
    auto changed = LastChange(path);
    if (HasEnded(path, changed < oldest)) ended.emplace_back(changed, path);
  }
  if (ended.empty()) return;
  std::sort(ended.rbegin(), ended.rend());  // The newest first.
  const uint64_t limit = max_kept_bytes ? *max_kept_bytes : ShareOfDisk(root);
  uint64_t kept = 0;
  for (const auto& [changed, path] : ended) {
    if (changed >= oldest) kept += NotedBytes(path);
    std::error_code ignored;
    if (changed < oldest || kept > limit) fs::remove_all(path, ignored);
  }
}

}  // namespace

JobDirectory::JobDirectory(const std::string& root, int num_stages,
                           std::optional<uint64_t> max_kept_bytes)
    : owner_pid_(::getpid()) {
  MakePrivateFolders(root);
  RemoveEndedJobs(root, max_kept_bytes);
  path_ = (fs::path(root) / OwnedName(kJobPrefix, NewTag())).string();
  MakePrivateFolder(path_);
  MakePrivateFolder(path_ + "/fragments");
  for (int stage = 0; stage < num_stages; ++stage) MakePrivateFolder(StagePath(stage));
}

JobDirectory::~JobDirectory() {
  if (!is_removed_ && ::getpid() == owner_pid_) NotedBytes(path_);
}

void JobDirectory::Remove() {
  if (getpid() != owner_pid_) return;  // Forked: the job is the parent's.
  is_removed_ = true;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void JobDirectory::WriteNew(const std::string& path, const std::string& content) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) ThrowIo("Creating", path, std::error_code(errno, std::generic_category()));
  size_t written = 0;
  while (written < content.size()) {
    ssize_t n = ::write(file, content.data() + written, content.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int error = errno;
      ::close(file);
      ThrowIo("Writing", path, std::error_code(error, std::generic_category()));
    }
    written += static_cast<size_t>(n);
  }
  // On network file systems the rows arrive when the file is closed, or fail to.
  if (::close(file) != 0) ThrowIo("Writing", path, std::error_code(errno, std::generic_category()));
}

}  // namespace smallpond
