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
  ~StdoutPipe();
  StdoutPipe(const StdoutPipe&) = delete;
  StdoutPipe& operator=(const StdoutPipe&) = delete;

  std::string path() const { return "/dev/fd/" + std::to_string(write_end_); }
  /// Waits until everything that was written has come out. Throws Io where it could not, but for a
  /// reader that went away (`| head`).
  void Close();

 private:
  void CopyToStdout();
  void Finish();

  int read_end_ = -1;
  int write_end_ = -1;
  int error_ = 0;  // errno of the write that failed. The copier's until it has ended.
  std::thread copier_;
};

}  // namespace smallpond
