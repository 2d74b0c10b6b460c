#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace smallpond {

/// How to start a worker process.
struct WorkerCommand {
  std::vector<std::string> arguments;    ///< The program, looked up on the PATH, and its arguments.
  std::vector<std::string> environment;  ///< "NAME=value" each, beside this process's own.
  std::string log_path;  ///< Gets its standard output and error. Empty: they are this process's.
};

/// One child process with a socket to it, which it has as kWorkerSocket. Not for several threads.
///
/// It is started by posix_spawn, which is safe in a process with threads, in a process group of its
/// own, so that Ctrl-C in a terminal reaches the driver alone, with default signal handlers and no
/// blocked signals. Of this process's files it gets those that are not close-on-exec.
class WorkerProcess {
 public:
  /// Throws Unavailable where the program can't be started, Io where the log can't be written.
  explicit WorkerProcess(WorkerCommand command);
  /// Kills it and what it started. Waits for its end, but not for ever: a process in the kernel's
  /// hands (a dead network file system) ends when the kernel lets go.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  pid_t pid() const { return pid_; }
  /// This side of the socket. Reads and writes of it don't block.
  int socket() const { return socket_; }
  const std::string& log_path() const { return command_.log_path; }

  /// Kills the worker's process group. In a process that forked off this one it does nothing.
  void Kill();
  /// Waits up to `timeout_ms` for its end and returns whether it came.
  bool WaitForExit(int timeout_ms);
  /// How it ended, such as "was killed by signal 9 (Killed)".
  std::string DescribeExit() const;
  /// The last lines that it wrote, or "" where there is no log.
  std::string LastLogLines() const;

 private:
  bool HasExited();

  const WorkerCommand command_;
  pid_t pid_ = -1;
  int socket_ = -1;
  bool exited_ = false;
  int status_ = -1;  // As waitpid gives it; -1 where another part of the program took it.
};

}  // namespace smallpond
