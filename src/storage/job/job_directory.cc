#include "storage/job/job_directory.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include "smallpond/error.h"
#include "storage/files/attempt_owner.h"
#include "storage/files/file_identity.h"
#include "storage/files/file_system.h"
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

// When something last happened, as `modified_ns`: the log tells; the note of its end is no news of
// a job.
int64_t LastChange(const fs::path& folder) {
  FileIdentity log = Identify(folder / "events.jsonl");
  return log.inode != 0 ? log.modified_ns : Identify(folder).modified_ns;
}

// The bytes of a job in which nobody works. They are noted, for the files may be many thousands,
// and every job that begins asks.
uint64_t NotedBytes(const fs::path& folder) {
  fs::path path = folder / kEndedFile;
  uint64_t bytes = 0;
  std::string note;
  if (!ReadText(path, note) && std::istringstream(note) >> bytes) return bytes;
  bytes = BytesBelow(folder);
  try {
    WriteNew(path, std::to_string(bytes) + "\n");
  } catch (const Error&) {  // Somebody else notes it too, or the disk is full.
  }
  return bytes;
}

// Whether nobody works in the folder of a job.
bool HasEnded(const fs::path& folder, bool is_old) {
  if (Exists(folder / kEndedFile)) return true;
  Owner owner = OwnerOf(folder.filename().string());
  return owner == Owner::kUnknown ? is_old : owner == Owner::kGone;
}

uint64_t ShareOfDisk(const fs::path& folder) {
  auto bytes = DiskBytes(folder);
  if (!bytes) return std::numeric_limits<uint64_t>::max();
  return static_cast<uint64_t>(JobDirectory::kKeptShare * static_cast<double>(*bytes));
}

// Removes the jobs of this account that have ended: those that are too old, and of the others the
// oldest, until what is kept is within its limit.
void RemoveEndedJobs(const fs::path& root, std::optional<uint64_t> max_kept_bytes) {
  const int64_t oldest = DaysAgoNs(JobDirectory::kKeptDays);
  std::vector<std::pair<int64_t, fs::path>> ended;
  for (const auto& entry : ListFolder(root).entries) {
    if (!IsOwnedName(entry.name(), kJobPrefix) || !IsOwnFolder(entry.path)) continue;
    int64_t changed = LastChange(entry.path);
    if (HasEnded(entry.path, changed < oldest)) ended.emplace_back(changed, entry.path);
  }
  if (ended.empty()) return;
  std::sort(ended.rbegin(), ended.rend());  // The newest first.
  const uint64_t limit = max_kept_bytes ? *max_kept_bytes : ShareOfDisk(root);
  uint64_t kept = 0;
  for (const auto& [changed, path] : ended) {
    if (changed >= oldest) kept += NotedBytes(path);
    if (changed < oldest || kept > limit) RemoveTree(path);
  }
}

OpenedFolder MakeIn(const std::string& root, std::optional<uint64_t> max_kept_bytes) {
  MakePrivateFolders(root);
  RemoveEndedJobs(root, max_kept_bytes);
  return OpenedFolder::Make((fs::path(root) / OwnedName(kJobPrefix, NewTag())).string());
}

}  // namespace

JobDirectory::JobDirectory(const std::string& root, int num_stages,
                           std::optional<uint64_t> max_kept_bytes)
    : owner_pid_(::getpid()), folder_(MakeIn(root, max_kept_bytes)) {
  MakePrivateFolder(Opened(path() + "/fragments"));
  for (int stage = 0; stage < num_stages; ++stage) MakePrivateFolder(Opened(StagePath(stage)));
}

JobDirectory::~JobDirectory() {
  if (!is_removed_ && ::getpid() == owner_pid_) NotedBytes(folder_.opened_path());
}

std::string JobDirectory::Opened(const std::string& path) const {
  return folder_.opened_path() + path.substr(folder_.path().size());
}

void JobDirectory::Remove() {
  if (getpid() != owner_pid_) return;  // Forked: the job is the parent's.
  is_removed_ = true;
  folder_.Remove();
}

}  // namespace smallpond
