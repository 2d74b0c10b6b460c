#pragma once

#include <string>
#include <vector>

#include "task/run_task.h"
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
    kLost,       ///< Its worker died or can't be reached. `report` says what is known, for people.
    kCancelled,  ///< Cancel came before its end, and it runs no longer. `report` is empty.
    kHeartbeat,  ///< Its worker is alive. `report` is empty.
  };

  Kind kind = Kind::kFinished;
  TaskId id;
  std::string report;
};

/// Runs attempts of tasks somewhere. It retries nothing and decides nothing.
///
/// Every attempt that Submit took ends in exactly one event that is no heartbeat. A lost attempt
/// may still be running behind a broken network, so an attempt writes only names of its own.
///
/// One thread, the scheduler's, calls it. The destructor cancels what still runs and
/// waits for it. A process that takes too long is killed, so that none is left behind.
class Executor {
 public:
  virtual ~Executor() = default;

  /// How many attempts can run at the same time now: the room of workers that are ready. 0 while
  /// the first ones start; changes while workers come and go. More may be submitted: they wait
  /// their turn, in order, and without heartbeats.
  virtual int Slots() const = 0;
  /// How many it will be once all workers are ready: what a job's tasks are planned for.
  virtual int PlannedSlots() const { return Slots(); }
  /// Whether attempts that run send heartbeats. Where they don't, none can vanish in silence.
  virtual bool SendsHeartbeats() const { return true; }
  /// Says that a job begins: what went wrong in earlier ones, such as deaths of workers, counts no
  /// more. No attempt runs.
  virtual void BeginJob() {}
  /// Takes over attempts and returns at once. An id must not be in use.
  virtual void Submit(std::vector<TaskLaunch> launches) = 0;
  /// Returns what happened since the last call; waits up to `timeout_ms` for the first event. May
  /// return nothing earlier than that, where a signal came. Throws Error where attempts can't be
  /// run any more, such as when workers die again and again; the executor is of no use then.
  virtual std::vector<TaskEvent> Wait(int timeout_ms) = 0;
  /// Asks to stop an attempt; one that has ended, or was never submitted, is no error. The
  /// attempt's event still comes, and may say that it finished.
  virtual void Cancel(TaskId id) = 0;
};

}  // namespace smallpond
