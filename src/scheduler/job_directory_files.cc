#include "scheduler/job_directory_files.h"

#include <unistd.h>

namespace smallpond {

void JobDirectoryFiles::WriteOutputs(const OutputsList& list) {
  JobDirectory::WriteNew(directory_.OutputsPath(list.stage, list.version), FormatOutputsList(list));
}

void JobDirectoryFiles::RemoveAttempt(TaskId id) {
  ::unlink(directory_.AttemptPath(id.stage, id.task, id.attempt).c_str());
}

}  // namespace smallpond
