#include "storage/files/io_error.h"

#include "smallpond/error.h"

namespace smallpond {

void ThrowIo(const std::string& what, const std::filesystem::path& path,
             const std::error_code& error) {
  throw Error(ErrorKind::kIo, what + " '" + path.string() + "' failed: " + error.message() + ".");
}

}  // namespace smallpond
