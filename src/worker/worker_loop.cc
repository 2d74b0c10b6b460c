#include "worker/worker_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "smallpond/error.h"
#include "worker/driver_watch.h"
#include "worker/guarded_run.h"
#include "worker/worker_message.h"

namespace smallpond {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = WorkerMessage::Kind;

enum class LoopEnd { kGoesOn, kBye, kDriverGone, kSetupFailed };

class WorkerLoop {
 public:
  explicit WorkerLoop(int fd) : fd_(fd), watch_(fd) {}

  int Run(const MakeRunTask& make_run_task);

 private:
  struct Attempt {
    std::atomic<bool> cancelled{false};
    std::atomic<bool> returned{false};  // The driver may know its report already.
    std::atomic<bool> ended{false};     // The thread can be joined without waiting.
    std::thread thread;
  };

  LoopEnd RunUntilEnd(const MakeRunTask& make_run_task);
  // Waits for bytes, at most so long, and handles the messages that are whole.
  LoopEnd Receive(int timeout_ms, const MakeRunTask& make_run_task);
  LoopEnd Handle(WorkerMessage message, const MakeRunTask& make_run_task);
  LoopEnd MakeReady(const std::string& setup, const MakeRunTask& make_run_task);
  void Start(WorkerMessage run);
  void SendHeartbeats();
  void JoinEnded();
  void CancelAll();
  void Send(const WorkerMessage& message);

  const int fd_;
  const DriverWatch watch_;
  std::mutex send_mutex_;  // Keeps the bytes of one message together.
  // The rest belongs to the main thread.
  MessageReader reader_;
  RunTask run_task_;
  std::map<TaskId, std::unique_ptr<Attempt>> attempts_;
};

int WorkerLoop::Run(const MakeRunTask& make_run_task) {
  LoopEnd ending = LoopEnd::kDriverGone;
  try {
    ending = RunUntilEnd(make_run_task);
  } catch (const Error& error) {
    // What came from the driver can't be understood: as good as no driver.
    std::fprintf(stderr, "smallpond worker: %s\n", error.what());
  }
  if (ending == LoopEnd::kDriverGone) watch_.LimitRemainingTime();
  CancelAll();
  run_task_ = nullptr;
  if (ending == LoopEnd::kDriverGone) watch_.KillGroup();
  close(fd_);
  return ending == LoopEnd::kBye ? 0 : ending == LoopEnd::kDriverGone ? 1 : 2;
}

LoopEnd WorkerLoop::RunUntilEnd(const MakeRunTask& make_run_task) {
  Send({Kind::kHello, {}, WorkerVersion() + " " + std::to_string(getpid())});
  auto heartbeat_at = Clock::now();
  while (true) {
    auto now = Clock::now();
    if (now >= heartbeat_at) {
      if (watch_.DriverIsGone()) return LoopEnd::kDriverGone;
      SendHeartbeats();
      heartbeat_at = now + std::chrono::milliseconds(kHeartbeatIntervalMs);
    }
    auto left = std::chrono::ceil<std::chrono::milliseconds>(heartbeat_at - now);
    LoopEnd ending = Receive(static_cast<int>(left.count()), make_run_task);
    if (ending != LoopEnd::kGoesOn) return ending;
    JoinEnded();
  }
}

LoopEnd WorkerLoop::Receive(int timeout_ms, const MakeRunTask& make_run_task) {
  pollfd waited{fd_, POLLIN, 0};
  if (poll(&waited, 1, timeout_ms) <= 0) return LoopEnd::kGoesOn;  // Time is up, or a signal came.
  char bytes[65536];
  ssize_t count = recv(fd_, bytes, sizeof(bytes), MSG_DONTWAIT);
  if (count == 0) return LoopEnd::kDriverGone;
  if (count < 0) {
    return errno == EINTR || errno == EAGAIN ? LoopEnd::kGoesOn : LoopEnd::kDriverGone;
  }
  reader_.Add(bytes, static_cast<size_t>(count));
  while (auto message = reader_.Next()) {
    LoopEnd ending = Handle(std::move(*message), make_run_task);
    if (ending != LoopEnd::kGoesOn) return ending;
  }
  return LoopEnd::kGoesOn;
}

LoopEnd WorkerLoop::Handle(WorkerMessage message, const MakeRunTask& make_run_task) {
  if (message.kind == Kind::kBye) return LoopEnd::kBye;
  if (message.kind == Kind::kSetup && !run_task_) return MakeReady(message.text, make_run_task);
  if (message.kind == Kind::kRun && run_task_) {
    Start(std::move(message));
    return LoopEnd::kGoesOn;
  }
  if (message.kind == Kind::kCancel && run_task_) {
    auto attempt = attempts_.find(message.id);
    if (attempt != attempts_.end()) attempt->second->cancelled = true;
    return LoopEnd::kGoesOn;
  }
  throw Error(
      ErrorKind::kInternal,
      "A message of kind " + std::to_string(static_cast<int>(message.kind)) + " came out of turn.");
}

LoopEnd WorkerLoop::MakeReady(const std::string& setup, const MakeRunTask& make_run_task) {
  auto failed = [&](ErrorKind kind, const std::string& message) {
    Send({Kind::kFailed, {}, std::string(ErrorKindName(kind)) + " " + message});
    return LoopEnd::kSetupFailed;
  };
  try {
    run_task_ = make_run_task(setup);
  } catch (const Error& error) {
    return failed(error.kind(), error.what());
  } catch (const std::exception& error) {
    return failed(ErrorKind::kInternal, error.what());
  }
  Send({Kind::kReady, {}, ""});
  return LoopEnd::kGoesOn;
}

void WorkerLoop::Start(WorkerMessage run) {
  auto& place = attempts_[run.id];
  if (place) {
    if (!place->returned) throw Error(ErrorKind::kInternal, "An attempt was sent twice.");
    place->thread.join();
  }
  place = std::make_unique<Attempt>();
  Attempt* attempt = place.get();  // Joined before it is destroyed.
  attempt->thread = std::thread([this, attempt, run = std::move(run)] {
    std::string report = RunGuarded(run_task_, run.text, attempt->cancelled);
    attempt->returned = true;
    Send({Kind::kReport, run.id, std::move(report)});
    attempt->ended = true;
  });
}

void WorkerLoop::SendHeartbeats() {
  for (const auto& [id, attempt] : attempts_) {
    if (!attempt->returned) Send({Kind::kHeartbeat, id, ""});
  }
}

void WorkerLoop::JoinEnded() {
  std::erase_if(attempts_, [](auto& entry) {
    if (!entry.second->ended) return false;
    entry.second->thread.join();
    return true;
  });
}

void WorkerLoop::CancelAll() {
  for (auto& [id, attempt] : attempts_) attempt->cancelled = true;
  for (auto& [id, attempt] : attempts_) attempt->thread.join();
  attempts_.clear();
}

// Blocks while the driver is slow to read. It never waits for a worker, so this ends. A driver that
// is gone is noticed where messages are received.
void WorkerLoop::Send(const WorkerMessage& message) {
  std::string bytes;
  AppendMessage(message, bytes);
  std::lock_guard lock(send_mutex_);
  for (size_t sent = 0; sent < bytes.size();) {
    ssize_t count = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) return;
    if (count > 0) sent += static_cast<size_t>(count);
  }
}

}  // namespace

std::string WorkerVersion() { return std::to_string(kWorkerProtocol) + " " + SMALLPOND_VERSION; }

int RunWorkerLoop(int fd, const MakeRunTask& make_run_task) {
  int type = 0;
  socklen_t size = sizeof(type);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    std::fprintf(stderr, "smallpond worker: smallpond starts its workers itself.\n");
    return 2;
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);  // What the user's functions start must not hold it open.
  return WorkerLoop(fd).Run(make_run_task);
}

}  // namespace smallpond
