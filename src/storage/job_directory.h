#pragma once

#include <unistd.h>

#include <string>

#include "storage/job_names.h"

namespace smallpond {

/// The folder of a running job, which only its owner's account may enter:
///
///     ROOT/job-20261122T2036161f3a9c02-MACHINE-PID-START/
///         events.jsonl                       what happened
///         fragments/HASH                     what the stages' tasks run
///         stage-S/inputs-V.json              what tasks read from other stages
///         stage-S/outputs-V.json             which attempts' files count
///         stage-S/task-T.attempt-A.exchange     rows
///
/// Its name is unique and says which process it belongs to. It is removed when the job has gone
/// well, and kept for `kKeptDays` when not, so that people can look into it. One thread uses it.
class JobDirectory {
 public:
  /// Makes the folder, those above it where they are missing, and the folders of `num_stages`
  /// stages. Removes what old jobs have left in `root`: folders with a name as above whose process
  /// has ended and in which nothing has happened for `kKeptDays`. Throws Io.
  JobDirectory(const std::string& root, int num_stages);
  /// Keeps the folder unless `Remove` was called.
  ~JobDirectory() = default;
  JobDirectory(const JobDirectory&) = delete;
  JobDirectory& operator=(const JobDirectory&) = delete;

  /// Removes the folder with all that is in it: the job has gone well. What can't be removed stays.
  void Remove();

  const std::string& path() const { return path_; }
  std::string log_path() const { return path_ + "/events.jsonl"; }
  std::string FragmentPath(const std::string& hash) const {
    return path_ + "/" + FragmentFileName(hash);
  }
  std::string StagePath(int stage) const { return path_ + "/" + StageFolderName(stage); }
  std::string OutputsPath(int stage, int version) const {
    return path_ + "/" + OutputsFileName(stage, version);
  }
  std::string AttemptPath(int stage, int task, int attempt) const {
    return path_ + "/" + AttemptFileName(stage, task, attempt);
  }

  /// Creates a file of the directory with this content, whole or not at all as far as anybody sees
  /// who was told its name after this returned. Throws Io, also where it exists.
  static void WriteNew(const std::string& path, const std::string& content);

  static constexpr int kKeptDays = 7;

 private:
  const pid_t owner_pid_ = getpid();
  std::string path_;
};

}  // namespace smallpond
