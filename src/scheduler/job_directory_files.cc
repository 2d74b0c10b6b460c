#include "scheduler/job_directory_files.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "storage/job/checked_text.h"

namespace smallpond {

void JobDirectoryFiles::WriteOutputs(const OutputsList& list) {
  std::string path = directory_.OutputsPath(list.stage, list.version);
  JobDirectory::WriteNew(path, WithChecksum(FormatOutputsList(list), path));
}

void JobDirectoryFiles::RemoveAttempt(TaskId id) {
  std::error_code ignored;
  if (id.stage == writing_) {
    std::filesystem::remove_all(staging_folder_ + "/" + AttemptFolderName(id.task, id.attempt),
                                ignored);
    return;
  }
  ::unlink(directory_.AttemptPath(id.stage, id.task, id.attempt).c_str());
}

}  // namespace smallpond
