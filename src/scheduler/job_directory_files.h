#pragma once

#include "scheduler/job_files.h"
#include "storage/job/job_directory.h"

namespace smallpond {

/// The files of a job in its directory, which belongs to the caller.
class JobDirectoryFiles : public JobFiles {
 public:
  explicit JobDirectoryFiles(const JobDirectory& directory) : directory_(directory) {}

  void WriteOutputs(const OutputsList& list) override;
  void RemoveAttempt(TaskId id) override;

 private:
  const JobDirectory& directory_;
};

}  // namespace smallpond
