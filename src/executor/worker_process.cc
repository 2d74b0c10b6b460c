#include "executor/worker_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "smallpond/error.h"
#include "worker/worker_loop.h"

extern char** environ;

namespace smallpond {
namespace {

constexpr int kExitPollMs = 2;
constexpr int kKillTimeoutMs = 2000;
constexpr std::streamoff kLogTailBytes = 4000;

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  return pointers;
}

// This process's variables, but for those that `additions` set.
std::vector<char*> Environment(const std::vector<std::string>& additions) {
  std::vector<char*> pointers = Pointers(additions);
  for (char** entry = environ; *entry; ++entry) {
    std::string_view name(*entry, std::strcspn(*entry, "="));
    bool is_set = std::any_of(additions.begin(), additions.end(), [&](const std::string& addition) {
      return addition.starts_with(std::string(name) + "=");
    });
    if (!is_set) pointers.push_back(*entry);
  }
  pointers.push_back(nullptr);
  return pointers;
}

// What happens in the child before the program begins.
class SpawnSettings {
 public:
  SpawnSettings(int worker_socket, int log) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (log >= 0) {
      posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
      posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
    }
    posix_spawn_file_actions_adddup2(&actions, worker_socket, kWorkerSocket);

    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

// Gives a file a number above those that the child gets, for giving it its own number would leave
// close-on-exec on. Takes `file` over; -1 stays -1.
int MoveUp(int file) {
  if (file < 0) return file;
  int moved = fcntl(file, F_DUPFD_CLOEXEC, kWorkerSocket + 1);
  int error = errno;
  close(file);
  errno = error;
  return moved;
}

// Opened here rather than in the child, where only "No such file" would be left to say.
int OpenLog(const std::string& path) {
  if (path.empty()) return -1;
  int log = MoveUp(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (log >= 0) return log;
  throw Error(ErrorKind::kIo,
              "A worker's log can't be written: '" + path + "': " + std::strerror(errno));
}

Error CannotStart(const std::string& program, int error) {
  return Error(ErrorKind::kUnavailable,
               "Starting a worker process failed: '" + program + "': " + std::strerror(error));
}

}  // namespace

WorkerProcess::WorkerProcess(WorkerCommand command) : command_(std::move(command)) {
  if (command_.arguments.empty()) throw CannotStart("", ENOENT);
  const std::string& program = command_.arguments[0];
  int log = OpenLog(command_.log_path);
  int ends[2] = {-1, -1};
  int error = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
  int worker_socket = MoveUp(ends[1]);
  if (error == 0 && worker_socket < 0) error = errno;
  if (error == 0) {
    SpawnSettings settings(worker_socket, log);
    std::vector<char*> arguments = Pointers(command_.arguments);
    arguments.push_back(nullptr);
    std::vector<char*> environment = Environment(command_.environment);
    error = posix_spawnp(&pid_, program.c_str(), &settings.actions, &settings.attributes,
                         arguments.data(), environment.data());
  }
  for (int file : {log, worker_socket}) {
    if (file >= 0) close(file);
  }
  if (error != 0) {
    if (ends[0] >= 0) close(ends[0]);
    throw CannotStart(program, error);
  }
  socket_ = ends[0];
  fcntl(socket_, F_SETFL, O_NONBLOCK);
}

WorkerProcess::~WorkerProcess() {
  close(socket_);
  Kill();
  WaitForExit(kKillTimeoutMs);
}

void WorkerProcess::Kill() {
  if (HasExited()) return;
  kill(-pid_, SIGKILL);
}

// A pid means our child only until somebody waits for it. So this looks without waiting first, and
// what else is left of the group is killed while the number is still taken. Another process than
// the one that started it learns that it has no such child.
bool WorkerProcess::HasExited() {
  if (exited_) return true;
  siginfo_t found = {};
  if (waitid(P_PID, static_cast<id_t>(pid_), &found, WEXITED | WNOHANG | WNOWAIT) != 0) {
    exited_ = errno == ECHILD;
    return exited_;
  }
  if (found.si_pid == 0) return false;
  kill(-pid_, SIGKILL);
  if (waitpid(pid_, &status_, WNOHANG) != pid_) status_ = -1;
  exited_ = true;
  return true;
}

bool WorkerProcess::WaitForExit(int timeout_ms) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!HasExited()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(kExitPollMs));
  }
  return true;
}

std::string WorkerProcess::DescribeExit() const {
  if (!exited_) return "did not end";
  if (status_ == -1) return "ended";
  if (WIFSIGNALED(status_)) {
    int signal = WTERMSIG(status_);
    return "was killed by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
  }
  return "exited with status " + std::to_string(WEXITSTATUS(status_));
}

std::string WorkerProcess::LastLogLines() const {
  if (command_.log_path.empty()) return "";
  std::ifstream file(command_.log_path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  std::streamoff size = file.tellg();
  std::streamoff begin = std::max<std::streamoff>(0, size - kLogTailBytes);
  file.seekg(begin);
  std::ostringstream text;
  text << file.rdbuf();
  std::string lines = text.str();
  if (begin > 0) lines.erase(0, lines.find('\n') + 1);  // The first one is a part.
  return lines;
}

}  // namespace smallpond
