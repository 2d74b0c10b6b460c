#include "executor/process_executor.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "worker/worker_loop.h"

namespace smallpond {
namespace {

using std::chrono::milliseconds;
using Kind = WorkerMessage::Kind;

// The most that one look adds to a worker's silence. A longer gap means that nobody looked.
constexpr milliseconds kLongestLook{1000};
constexpr int kExitStatusTimeoutMs = 100;
constexpr size_t kReadBytes = 65536;

// Reads "KIND MESSAGE", as a worker says why it can't start.
Error ParseFailure(const std::string& text) {
  size_t space = text.find(' ');
  std::string name = text.substr(0, space);
  std::string message = space == std::string::npos ? "" : text.substr(space + 1);
  ErrorKind kind = ErrorKindOfName(name);
  return Error(kind, ErrorKindName(kind) == name ? message : text);
}

}  // namespace

ProcessExecutor::ProcessExecutor(ProcessExecutorOptions options)
    : options_(std::move(options)), owner_pid_(getpid()), looked_at_(Clock::now()) {
  if (options_.num_workers < 1 || options_.slots_per_worker < 1) {
    throw Error(ErrorKind::kInvalidInput,
                "Worker processes: " + std::to_string(options_.num_workers) +
                    ", attempts in each: " + std::to_string(options_.slots_per_worker) +
                    ". Both must be at least 1.");
  }
  for (int i = 0; i < options_.num_workers; ++i) workers_.push_back(StartWorker());
}

ProcessExecutor::~ProcessExecutor() {
  if (getpid() != owner_pid_) return;
  for (Worker& worker : workers_) {
    worker.output.clear();  // Nobody wants what was not sent, unless it is a part of a message:
    worker.reader = {};  // then the worker can't read the bye, and sees the socket's end instead.
    Send(worker, {Kind::kBye, {}, ""});
    shutdown(worker.process->socket(), SHUT_RDWR);  // Ends a report that it is writing.
  }
  auto deadline = Clock::now() + milliseconds(options_.shutdown_timeout_ms);
  for (Worker& worker : workers_) {
    auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    worker.process->WaitForExit(std::max(0, static_cast<int>(left.count())));
  }
}

ProcessExecutor::Worker ProcessExecutor::StartWorker() {
  std::string log_path;
  if (!options_.log_folder.empty()) {
    log_path = options_.log_folder + "/worker-" + std::to_string(num_started_) + ".log";
  }
  ++num_started_;
  Worker worker{std::make_unique<WorkerProcess>(
      WorkerCommand{options_.command, options_.environment, std::move(log_path)})};
  Send(worker, {Kind::kSetup, {}, options_.setup});
  return worker;
}

int ProcessExecutor::Slots() const {
  auto ready = std::count_if(workers_.begin(), workers_.end(),
                             [](const Worker& worker) { return worker.ready; });
  return static_cast<int>(ready) * options_.slots_per_worker;
}

void ProcessExecutor::Submit(std::vector<TaskLaunch> launches) {
  std::move(launches.begin(), launches.end(), std::back_inserter(queue_));
  Dispatch();
}

std::vector<TaskEvent> ProcessExecutor::Wait(int timeout_ms) {
  auto deadline = Clock::now() + milliseconds(timeout_ms);
  bool signalled = false;
  looked_at_ = Clock::now();
  while (!failure_ && !signalled) {
    auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (!events_.empty()) left = milliseconds(0);
    signalled = !Pump(std::clamp(left, milliseconds(0), kLongestLook));
    if (!events_.empty() || Clock::now() >= deadline) break;
  }
  if (failure_ && events_.empty()) throw *failure_;
  return std::exchange(events_, {});
}

// Reads what came, writes what was kept back, starts what can be started.
bool ProcessExecutor::Pump(milliseconds timeout) {
  std::vector<pollfd> waited;
  for (const Worker& worker : workers_) {
    short wanted = static_cast<short>(worker.output.empty() ? POLLIN : POLLIN | POLLOUT);
    waited.push_back({worker.process->socket(), wanted, 0});
  }
  int found = poll(waited.data(), waited.size(), static_cast<int>(timeout.count()));
  if (found < 0) return errno != EINTR;
  for (size_t i = 0; i < workers_.size() && !failure_; ++i) {
    if (waited[i].revents & POLLOUT) Flush(workers_[i]);
    if (waited[i].revents & (POLLIN | POLLHUP | POLLERR)) Receive(workers_[i]);
  }
  auto now = Clock::now();
  LoseSilentOnes(
      std::min(std::chrono::duration_cast<milliseconds>(now - looked_at_), kLongestLook));
  looked_at_ = now;
  Dispatch();
  return true;
}

void ProcessExecutor::Receive(Worker& worker) {
  char bytes[kReadBytes];
  ssize_t count = recv(worker.process->socket(), bytes, sizeof(bytes), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return Lose(worker, "");
  worker.silence = milliseconds(0);
  worker.reader.Add(bytes, static_cast<size_t>(count));
  try {
    while (auto message = worker.reader.Next()) {
      if (!Handle(worker, std::move(*message))) return;
    }
  } catch (const Error& error) {
    Lose(worker, error.what());
  }
}

// Returns false where the worker was replaced, or nothing can be run any more.
bool ProcessExecutor::Handle(Worker& worker, WorkerMessage message) {
  switch (message.kind) {
    case Kind::kHello:
      if (message.text.starts_with(WorkerVersion() + " ")) return true;
      failure_ = Error(ErrorKind::kUnavailable,
                       "A worker process has version " + message.text + ", this one has " +
                           WorkerVersion() +
                           ". Install the same smallpond for both: " + options_.command[0]);
      return false;
    case Kind::kReady:
      worker.ready = true;
      return true;
    case Kind::kFailed:
      failure_ = ParseFailure(message.text);
      return false;
    case Kind::kReport:
      HandleReport(worker, message.id, std::move(message.text));
      return true;
    case Kind::kHeartbeat:
      if (worker.running.contains(message.id))
        events_.push_back({TaskEvent::Kind::kHeartbeat, message.id, ""});
      return true;
    default:
      throw Error(ErrorKind::kInternal, "It sent a message of kind " +
                                            std::to_string(static_cast<int>(message.kind)) +
                                            ", which only a driver sends.");
  }
}

void ProcessExecutor::HandleReport(Worker& worker, TaskId id, std::string report) {
  auto attempt = worker.running.extract(id);
  if (!attempt) throw Error(ErrorKind::kInternal, "It sent a report of what it does not run.");
  num_deaths_ = 0;
  if (attempt.mapped()) {
    events_.push_back({TaskEvent::Kind::kCancelled, id, ""});
  } else {
    events_.push_back({TaskEvent::Kind::kFinished, id, std::move(report)});
  }
}

void ProcessExecutor::Send(Worker& worker, const WorkerMessage& message) {
  AppendMessage(message, worker.output);
  Flush(worker);
}

// A closed socket is noticed where it is read.
void ProcessExecutor::Flush(Worker& worker) {
  while (!worker.output.empty()) {
    ssize_t count =
        send(worker.process->socket(), worker.output.data(), worker.output.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) worker.output.clear();
    if (count <= 0) return;
    worker.output.erase(0, static_cast<size_t>(count));
  }
}

void ProcessExecutor::LoseSilentOnes(milliseconds passed) {
  for (Worker& worker : workers_) {
    if (failure_) return;
    if (worker.ready && worker.running.empty()) {
      worker.silence = milliseconds(0);
      continue;
    }
    worker.silence += passed;
    int limit_ms = worker.ready ? options_.heartbeat_timeout_ms : options_.start_timeout_ms;
    if (worker.silence < milliseconds(limit_ms)) continue;
    Lose(worker, std::string(worker.ready ? "It was silent for " : "It was not ready after ") +
                     std::to_string(limit_ms / 1000) + " s and was killed.");
  }
}

// Ends a worker, tells of its attempts, and starts another in its place. `reason` is empty where it
// died by itself.
void ProcessExecutor::Lose(Worker& worker, const std::string& reason) {
  // A process that closes its socket is ending: how is worth a moment.
  if (reason.empty()) worker.process->WaitForExit(kExitStatusTimeoutMs);
  bool by_itself = worker.process->WaitForExit(0);
  worker.process->Kill();
  std::string what = "Worker process " + std::to_string(worker.process->pid());
  if (by_itself || reason.empty()) what += " " + worker.process->DescribeExit() + ".";
  if (!reason.empty()) what += (by_itself ? " " : ": ") + reason;
  for (const auto& [id, cancelled] : worker.running) {
    events_.push_back({TaskEvent::Kind::kLost, id, what});
  }
  worker.running.clear();
  if (++num_deaths_ <= options_.max_worker_restarts) {
    try {
      worker = StartWorker();
    } catch (const Error& error) {
      failure_ = error;
    }
    return;
  }
  std::string log = worker.process->LastLogLines();
  failure_ =
      Error(ErrorKind::kUnavailable,
            "Worker processes died " + std::to_string(num_deaths_) + " times. " + what +
                (log.empty() ? "" : " The end of " + worker.process->log_path() + ":\n" + log));
}

void ProcessExecutor::Dispatch() {
  while (!failure_ && !queue_.empty()) {
    Worker* worker = FreeWorker();
    if (!worker) return;
    TaskLaunch launch = std::move(queue_.front());
    queue_.pop_front();
    worker->running[launch.id] = false;
    Send(*worker, {Kind::kRun, launch.id, std::move(launch.spec)});
  }
}

// The one that runs the least, so that attempts spread before they share.
ProcessExecutor::Worker* ProcessExecutor::FreeWorker() {
  Worker* free = nullptr;
  for (Worker& worker : workers_) {
    if (!worker.ready || worker.running.size() >= static_cast<size_t>(options_.slots_per_worker))
      continue;
    if (!free || worker.running.size() < free->running.size()) free = &worker;
  }
  return free;
}

void ProcessExecutor::Cancel(TaskId id) {
  auto queued = std::find_if(queue_.begin(), queue_.end(),
                             [&](const TaskLaunch& launch) { return launch.id == id; });
  if (queued != queue_.end()) {
    queue_.erase(queued);
    events_.push_back({TaskEvent::Kind::kCancelled, id, ""});
    return;
  }
  for (Worker& worker : workers_) {
    auto attempt = worker.running.find(id);
    if (attempt == worker.running.end() || attempt->second) continue;
    attempt->second = true;
    Send(worker, {Kind::kCancel, id, ""});
  }
}

std::vector<pid_t> ProcessExecutor::WorkerPids() const {
  std::vector<pid_t> pids;
  for (const Worker& worker : workers_) pids.push_back(worker.process->pid());
  return pids;
}

}  // namespace smallpond
