#include "storage/files/file_hash.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "base/content_hash.h"
#include "storage/files/io_error.h"

namespace smallpond {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;  // Stays in the processor's cache.

}  // namespace

std::string HashFile(const std::string& path) {
  auto fail = [&](int error) {
    ThrowIo("Reading", path, std::error_code(error, std::generic_category()));
  };
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(errno);
  ContentHasher hasher;
  std::vector<char> buffer(kBufferBytes);
  ssize_t size = 0;
  int error = 0;
  do {
    size = ::read(file, buffer.data(), buffer.size());
    if (size < 0) error = errno;
    if (size > 0) hasher.Add(buffer.data(), static_cast<size_t>(size));
  } while (size > 0 || (size < 0 && error == EINTR));
  ::close(file);
  if (size < 0) fail(error);
  return hasher.Hash();
}

}  // namespace smallpond
