#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "task/executor.h"

namespace smallpond {

/// Runs attempts on threads of this process: the road `threads`, and the driver's own tasks.
///
/// It sends no heartbeats and loses nothing: a thread can't die without its process, so there is
/// nobody who could be silent. Whoever needs a limit on time sets it on the whole query.
class ThreadExecutor : public Executor {
 public:
  /// Starts `num_threads` threads, at least one. They call `run_task`.
  ThreadExecutor(int num_threads, RunTask run_task);
  /// Cancels what runs, and waits for its end.
  ~ThreadExecutor() override;

  int Slots() const override { return static_cast<int>(threads_.size()); }
  bool SendsHeartbeats() const override { return false; }
  void Submit(std::vector<TaskLaunch> launches) override;
  std::vector<TaskEvent> Wait(int timeout_ms) override;
  void Cancel(TaskId id) override;

 private:
  using Flag = std::shared_ptr<std::atomic<bool>>;  // Shared by the table and the running thread.

  void RunQueued();

  const RunTask run_task_;
  std::mutex mutex_;  // Guards what follows, up to threads_.
  std::condition_variable queue_changed_;
  std::condition_variable event_came_;
  bool closing_ = false;
  std::deque<TaskLaunch> queue_;
  std::map<TaskId, Flag> running_;
  std::vector<TaskEvent> events_;
  std::vector<std::thread> threads_;
};

}  // namespace smallpond
