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

// Copies until the last writer has closed. Where nobody takes the output any more (`| head`) it
// still reads on, so that the query ends in order.
void CopyToStdout(int from) {
  std::vector<char> buffer(kBufferBytes);
  bool taken = true;
  for (;;) {
    ssize_t bytes = ::read(from, buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return;
    for (ssize_t done = 0; taken && done < bytes;) {
      ssize_t written =
          ::write(STDOUT_FILENO, buffer.data() + done, static_cast<size_t>(bytes - done));
      if (written < 0 && errno == EINTR) continue;
      taken = written >= 0;
      done += written;
    }
  }
}

}  // namespace

StdoutPipe::StdoutPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw Error(ErrorKind::kIo,
                std::string("Opening a pipe failed: ") + std::strerror(errno) + ".");
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
  copier_ = std::thread(CopyToStdout, read_end_);
}

StdoutPipe::~StdoutPipe() {
  ::close(write_end_);
  copier_.join();
  ::close(read_end_);
}

}  // namespace smallpond
