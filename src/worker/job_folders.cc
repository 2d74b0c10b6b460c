#include "worker/job_folders.h"

#include "smallpond/error.h"

namespace smallpond {

JobFolder JobFolders::Open(const TaskSpec& spec) {
  std::lock_guard lock(mutex_);
  for (const auto& folder : open_) {
    if (folder->path() == spec.job_folder) return JobFolder(folder);
  }
  if (open_.size() >= kMaxOpen) open_.erase(open_.begin());
  try {
    open_.push_back(std::make_shared<const OpenedFolder>(
        OpenedFolder::Open(spec.job_folder, spec.job_folder_access)));
  } catch (const Error& error) {
    throw Error(error.kind(),
                error.what() + std::string(" Does this worker see the job's folder (data_root)?"));
  }
  return JobFolder(open_.back());
}

}  // namespace smallpond
