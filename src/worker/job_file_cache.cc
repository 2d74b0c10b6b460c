#include "worker/job_file_cache.h"

#include <fstream>
#include <sstream>

#include "smallpond/error.h"

namespace smallpond {

std::string ReadJobFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    throw Error(ErrorKind::kIo, "'" + path +
                                    "', a part of the job, can't be read. Does this worker see "
                                    "the job's folder (data_root)?");
  }
  return text.str();
}

}  // namespace smallpond
