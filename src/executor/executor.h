#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "task/task_id.h"

namespace smallpond {

/// One attempt that an executor is asked to run. `spec` is opaque to it.
struct TaskLaunch {
  TaskId id;
  std::string spec;
};

/// What an executor tells about an attempt.
struct TaskEvent {
  enum class Kind {
    kFinished,   ///< It ran to its end: `report` says how it went, errors included.
    kLost,       ///< Its worker died or can't be reached. `report` says what is known.
    kCancelled,  ///< It was stopped before its end because Cancel asked for it.
    kHeartbeat,  ///< It runs and makes progress.
  };

  Kind kind = Kind::kFinished;
  TaskId id;
  std::string report;
};

/// Runs attempts of tasks somewhere. It retries nothing and decides nothing. One thread, the
/// scheduler's, calls it.
class Executor {
 public:
  virtual ~Executor() = default;

  /// How many attempts run at the same time; may change while workers come and go.
  virtual int Slots() const = 0;
  /// Takes over attempts and returns at once. Every one ends in one event that is no heartbeat.
  virtual void Submit(std::vector<TaskLaunch> launches) = 0;
  /// Returns what happened since the last call; waits up to `timeout_ms` for the first event.
  virtual std::vector<TaskEvent> Wait(int timeout_ms) = 0;
  /// Asks to stop an attempt. Its event still comes, and may say that it finished.
  virtual void Cancel(TaskId id) = 0;
};

/// What a worker does with a spec: returns the report, and never throws. Where `cancelled` becomes
/// true it returns soon, with a report of kind Cancelled.
using RunTask =
    std::function<std::string(const std::string& spec, const std::atomic<bool>& cancelled)>;

}  // namespace smallpond
