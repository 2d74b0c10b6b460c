#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "storage/files/opened_folder.h"
#include "storage/job/job_names.h"

namespace smallpond {

/// The folder of a running job, which only its owner's account may enter:
///
///     ROOT/job-20261122T203616RANDOM-MACHINE-PID-START/
///         events.jsonl                       what happened
///         ended                              how many bytes it holds, once nobody works in it
///         fragments/HASH                     what the stages' tasks run
///         stage-S/inputs-V.json              what tasks read from other stages
///         stage-S/outputs-V.json             which attempts' files count
///         stage-S/task-T.attempt-A.exchange     rows
///
/// Its name is unique and says which process it belongs to. It is removed when the job has gone
/// well. When not, or when its process was killed, it is kept for people to look into and for
/// another process to go on with: for `kKeptDays`, and while all that are kept in ROOT hold no more
/// than a number of bytes; the oldest go first. One thread uses it.
class JobDirectory {
 public:
  /// Makes the folder, those above it where they are missing, and the folders of `num_stages`
  /// stages. Removes what earlier jobs have left in `root` beyond `max_kept_bytes` or kKeptDays;
  /// nothing is `kKeptShare` of the disk. A job whose process can't be seen (another machine's,
  /// another container's) counts as running until nothing has happened in it for kKeptDays. Throws
  /// Io.
  JobDirectory(const std::string& root, int num_stages,
               std::optional<uint64_t> max_kept_bytes = std::nullopt);
  /// Keeps the folder, as one in which nobody works, unless `Remove` was called.
  ~JobDirectory();
  JobDirectory(const JobDirectory&) = delete;
  JobDirectory& operator=(const JobDirectory&) = delete;

  /// Removes the folder with all that is in it: the job has gone well. What can't be removed stays;
  /// so does all of it in a process that was forked off.
  void Remove();

  // What things are called, here and by workers.
  const std::string& path() const { return folder_.path(); }
  std::string log_path() const { return path() + "/events.jsonl"; }
  std::string FragmentPath(const std::string& hash) const {
    return path() + "/" + FragmentFileName(hash);
  }
  std::string StagePath(int stage) const { return path() + "/" + StageFolderName(stage); }
  std::string OutputsPath(int stage, int version) const {
    return path() + "/" + OutputsFileName(stage, version);
  }
  std::string AttemptPath(int stage, int task, int attempt) const {
    return path() + "/" + AttemptFileName(stage, task, attempt);
  }
  /// Leads this process to what has such a name in the folder, whatever has the folder's name by
  /// now: so it is read and written here.
  std::string Opened(const std::string& path) const;
  /// By which workers know that they have the same folder.
  const FolderAccess& folder_access() const { return folder_.access(); }

  static constexpr int kKeptDays = 7;
  static constexpr double kKeptShare = 0.1;

 private:
  const pid_t owner_pid_;
  bool is_removed_ = false;
  const OpenedFolder folder_;
};

}  // namespace smallpond
