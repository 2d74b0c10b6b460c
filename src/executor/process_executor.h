#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "executor/worker_process.h"
#include "smallpond/error.h"
#include "task/executor.h"
#include "worker/worker_message.h"

namespace smallpond {

/// Settings of a ProcessExecutor. Where a worker is silent for too long it is killed; time counts
/// only while somebody waits, so that neither a busy driver nor a frozen machine kills anybody.
struct ProcessExecutorOptions {
  /// The program that calls RunWorkerLoop(kWorkerSocket), such as {"python3", "-m",
  /// "smallpond.worker"} or {"smallpond", "worker"}, with its arguments.
  std::vector<std::string> command;
  std::vector<std::string> environment;  ///< "NAME=value" each, beside this process's own.
  std::string setup;                     ///< What each worker's MakeRunTask gets.
  int num_workers = 1;
  int slots_per_worker = 1;  ///< How many attempts a worker runs at once.
  /// Folder for worker-0.log, worker-1.log …, one for each process that was started. Empty: workers
  /// write to this process's standard output and error.
  std::string log_folder;
  /// In a row: in one job, and without an attempt that came to its end. One more death is an error.
  int max_worker_restarts = 8;
  int start_timeout_ms = 60'000;  ///< From a process's start until it has carried out the setup.
  int heartbeat_timeout_ms = 30'000;  ///< Longest silence of a worker that runs attempts.
  int shutdown_timeout_ms = 5'000;    ///< From bye until what is left is killed.
};

/// Runs attempts in worker processes of this machine, which share nothing with this one but files.
///
/// A worker that dies, falls silent or talks nonsense is killed; its attempts are lost, and another
/// takes its place. Wait throws Unavailable, with the last lines of the worker's log, when
/// max_worker_restarts have been used up or a worker has another version; and what MakeRunTask
/// threw where a setup can't be carried out. Events that came before are returned first.
///
/// All work is done inside the calls, by the calling thread: there is no thread of its own, and
/// nothing moves on between two calls. Safe beside other executors, threads and signal handlers. In
/// a process that forked off this one only the destructor may be called; it touches no worker.
class ProcessExecutor : public Executor {
 public:
  /// Starts the workers and returns before they are ready. Throws Unavailable where the program
  /// can't be started.
  explicit ProcessExecutor(ProcessExecutorOptions options);
  /// Says bye to the workers, which cancels what runs, and kills those that take too long.
  ~ProcessExecutor() override;
  ProcessExecutor(const ProcessExecutor&) = delete;
  ProcessExecutor& operator=(const ProcessExecutor&) = delete;

  int Slots() const override;
  void BeginJob() override { num_deaths_ = 0; }
  void Submit(std::vector<TaskLaunch> launches) override;
  std::vector<TaskEvent> Wait(int timeout_ms) override;
  void Cancel(TaskId id) override;

  /// The processes that live now.
  std::vector<pid_t> WorkerPids() const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Worker {
    std::unique_ptr<WorkerProcess> process;
    MessageReader reader = {};
    std::string output = {};              // What the socket would not take yet.
    std::map<TaskId, bool> running = {};  // Whether Cancel was asked for.
    bool ready = false;
    std::chrono::milliseconds silence{0};  // While somebody looked.
  };

  Worker StartWorker();
  bool Pump(std::chrono::milliseconds timeout);
  void Receive(Worker& worker);
  bool Handle(Worker& worker, WorkerMessage message);
  void HandleReport(Worker& worker, TaskId id, std::string report);
  void Send(Worker& worker, const WorkerMessage& message);
  void Flush(Worker& worker);
  void LoseSilentOnes(std::chrono::milliseconds passed);
  void Lose(Worker& worker, const std::string& reason);
  void Dispatch();
  Worker* FreeWorker();

  const ProcessExecutorOptions options_;
  const pid_t owner_pid_;
  int num_started_ = 0;
  int num_deaths_ = 0;  // In a row.
  std::vector<Worker> workers_;
  std::deque<TaskLaunch> queue_;
  std::vector<TaskEvent> events_;
  std::optional<Error> failure_;  // Why nothing can be run any more.
  Clock::time_point looked_at_;
};

}  // namespace smallpond
