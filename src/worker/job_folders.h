#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/files/opened_folder.h"
#include "task/task_spec.h"

namespace smallpond {

/// The folder of a job as one attempt uses it. What has a name in it is called by `Path`, and
/// opened by `OpenedPath`, which leads to the folder that the driver made and to no other of its
/// name.
class JobFolder {
 public:
  explicit JobFolder(std::shared_ptr<const OpenedFolder> folder) : folder_(std::move(folder)) {}

  std::string Path(const std::string& name) const { return folder_->path() + "/" + name; }
  std::string OpenedPath(const std::string& name) const {
    return folder_->opened_path() + "/" + name;
  }

 private:
  std::shared_ptr<const OpenedFolder> folder_;  // Shared with JobFolders and other attempts.
};

/// The folders of the jobs that a worker's attempts are of, each opened once. Any thread may use
/// it.
class JobFolders {
 public:
  /// Throws Io where the folder is not there, or is not the one that the driver made.
  JobFolder Open(const TaskSpec& spec);

 private:
  static constexpr size_t kMaxOpen = 2;  // The last job's attempts may still run.

  std::mutex mutex_;  // Guards open_.
  std::vector<std::shared_ptr<const OpenedFolder>> open_;
};

}  // namespace smallpond
