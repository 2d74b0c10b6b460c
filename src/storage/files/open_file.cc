#include "storage/files/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace smallpond {
namespace {

OpenedFile Failed(int code, int descriptor = -1) {
  if (descriptor >= 0) ::close(descriptor);
  return {.error = std::error_code(code, std::generic_category())};
}

}  // namespace

OpenedFile OpenToRead(const std::filesystem::path& path) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY;
  // Of a pipe, open(2) would wait for a writer.
  int descriptor = ::open(path.c_str(), kFlags | O_NONBLOCK);
  // Only a regular file can be leased, as by a file server: its holder is asked, and waited for.
  if (descriptor < 0 && errno == EWOULDBLOCK) descriptor = ::open(path.c_str(), kFlags);
  if (descriptor < 0) return Failed(errno);
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return Failed(errno, descriptor);
  if (S_ISDIR(status.st_mode)) return Failed(EISDIR, descriptor);
  if (!S_ISREG(status.st_mode)) return Failed(ENXIO, descriptor);
  return {.descriptor = descriptor, .bytes = static_cast<uint64_t>(status.st_size)};
}

}  // namespace smallpond
