#pragma once

#include <string>
#include <thread>

namespace smallpond {

/// A path that can be written to, whose bytes come out on standard output. Opening /dev/stdout
/// itself would empty the file that a shell's >> appends to.
class StdoutPipe {
 public:
  /// Throws Io where there are no more file descriptors.
  StdoutPipe();
  /// Waits until everything that was written has come out.
  ~StdoutPipe();
  StdoutPipe(const StdoutPipe&) = delete;
  StdoutPipe& operator=(const StdoutPipe&) = delete;

  std::string path() const { return "/dev/fd/" + std::to_string(write_end_); }

 private:
  int read_end_ = -1;
  int write_end_ = -1;
  std::thread copier_;
};

}  // namespace smallpond
