#include "executor/thread_executor.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "worker/guarded_run.h"

namespace smallpond {

ThreadExecutor::ThreadExecutor(int num_threads, RunTask run_task) : run_task_(std::move(run_task)) {
  for (int i = 0; i < std::max(1, num_threads); ++i) {
    threads_.emplace_back([this] { RunQueued(); });
  }
}

ThreadExecutor::~ThreadExecutor() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    queue_.clear();
    for (auto& [id, flag] : running_) *flag = true;
  }
  queue_changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void ThreadExecutor::Submit(std::vector<TaskLaunch> launches) {
  {
    std::lock_guard lock(mutex_);
    std::move(launches.begin(), launches.end(), std::back_inserter(queue_));
  }
  queue_changed_.notify_all();
}

void ThreadExecutor::RunQueued() {
  std::unique_lock lock(mutex_);
  while (true) {
    queue_changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (closing_) return;
    TaskLaunch launch = std::move(queue_.front());
    queue_.pop_front();
    auto flag = std::make_shared<std::atomic<bool>>(false);
    running_[launch.id] = flag;
    lock.unlock();
    std::string report = RunGuarded(run_task_, launch.spec, *flag);
    lock.lock();
    running_.erase(launch.id);
    if (*flag) {
      events_.push_back({TaskEvent::Kind::kCancelled, launch.id, ""});
    } else {
      events_.push_back({TaskEvent::Kind::kFinished, launch.id, std::move(report)});
    }
    event_came_.notify_one();
  }
}

std::vector<TaskEvent> ThreadExecutor::Wait(int timeout_ms) {
  std::unique_lock lock(mutex_);
  event_came_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                       [this] { return !events_.empty(); });
  return std::exchange(events_, {});
}

void ThreadExecutor::Cancel(TaskId id) {
  std::lock_guard lock(mutex_);
  if (auto running = running_.find(id); running != running_.end()) {
    *running->second = true;
    return;
  }
  auto queued = std::find_if(queue_.begin(), queue_.end(),
                             [&](const TaskLaunch& launch) { return launch.id == id; });
  if (queued == queue_.end()) return;
  queue_.erase(queued);
  events_.push_back({TaskEvent::Kind::kCancelled, id, ""});
}

}  // namespace smallpond
