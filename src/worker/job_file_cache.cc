#include "worker/job_file_cache.h"

#include "smallpond/error.h"
#include "storage/files/file_system.h"

namespace smallpond {

std::string ReadJobFile(const std::string& path) {
  std::string text;
  if (ReadText(path, text)) {
    throw Error(ErrorKind::kIo, "'" + path +
                                    "', a part of the job, can't be read. Does this worker see "
                                    "the job's folder (data_root)?");
  }
  return text;
}

}  // namespace smallpond
