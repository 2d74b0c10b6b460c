#include "scheduler/job_directory_files.h"

#include "storage/files/file_system.h"
#include "storage/job/checked_text.h"

namespace smallpond {

void JobDirectoryFiles::WriteOutputs(const OutputsList& list) {
  std::string path = directory_.OutputsPath(list.stage, list.version);
  WriteNew(directory_.Opened(path), WithChecksum(FormatOutputsList(list), path));
}

void JobDirectoryFiles::RemoveAttempt(TaskId id) {
  if (id.stage == writing_) {
    RemoveTree(staging_folder_ + "/" + AttemptFolderName(id.task, id.attempt));
  } else {
    RemoveFile(directory_.Opened(directory_.AttemptPath(id.stage, id.task, id.attempt)));
  }
}

}  // namespace smallpond
