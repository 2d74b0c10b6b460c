#include "cli/stdout_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "smallpond/error.h"

namespace smallpond {
namespace {

constexpr size_t kBufferBytes = 1 << 16;  // What a pipe holds.

}  // namespace

StdoutPipe::StdoutPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw Error(ErrorKind::kIo,
                std::string("Opening a pipe failed: ") + std::strerror(errno) + ".");
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
  copier_ = std::thread([this] { CopyToStdout(); });
}

StdoutPipe::~StdoutPipe() { Finish(); }

void StdoutPipe::Close() {
  Finish();
  if (error_ == 0 || error_ == EPIPE) return;
  throw Error(ErrorKind::kIo,
              std::string("Writing to standard output failed: ") + std::strerror(error_) + ".");
}

void StdoutPipe::Finish() {
  if (!copier_.joinable()) return;
  ::close(write_end_);
  copier_.join();
  ::close(read_end_);
}

// Copies until the last writer has closed. Where nobody takes the output any more (`| head`) it
// still reads on, so that the query ends in order.
void StdoutPipe::CopyToStdout() {
  std::vector<char> buffer(kBufferBytes);
  for (;;) {
    ssize_t bytes = ::read(read_end_, buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return;
    for (ssize_t done = 0; error_ == 0 && done < bytes;) {
      ssize_t written =
          ::write(STDOUT_FILENO, buffer.data() + done, static_cast<size_t>(bytes - done));
      if (written >= 0) {
        done += written;
      } else if (errno != EINTR) {
        error_ = errno;
      }
    }
  }
}

}  // namespace smallpond
