#pragma once

#include <string>
#include <utility>

#include "scheduler/job_files.h"
#include "storage/job/job_directory.h"

namespace smallpond {

/// The files of a job in its directory, which belongs to the caller, and those that a stage of it
/// writes for users.
class JobDirectoryFiles : public JobFiles {
 public:
  /// Attempts of the stage `writing`, if any, have folders in `staging_folder`.
  explicit JobDirectoryFiles(const JobDirectory& directory, int writing = -1,
                             std::string staging_folder = {})
      : directory_(directory), writing_(writing), staging_folder_(std::move(staging_folder)) {}

  void WriteOutputs(const OutputsList& list) override;
  void RemoveAttempt(TaskId id) override;

 private:
  const JobDirectory& directory_;
  const int writing_;
  const std::string staging_folder_;
};

}  // namespace smallpond
