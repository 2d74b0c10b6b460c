#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "scheduler/stage_statistics.h"
#include "task/stage_graph.h"

namespace smallpond {

/// A task, in a few bytes: a job may have half a million.
struct TaskState {
  uint64_t file_id = 0;       ///< Of the exchange file of the attempt chosen last.
  int32_t chosen = -1;        ///< The attempt whose output counts, or -1.
  int32_t next_attempt = 0;   ///< The number that the next attempt gets.
  uint16_t running = 0;       ///< Attempts in flight that are still heard of.
  uint8_t failures = 0;       ///< Attempts that failed for a reason that may go away.
  uint8_t out_of_memory = 0;  ///< Attempts that ran out of memory.
  uint8_t losses = 0;         ///< How often its output was lost.
  bool queued = false;        ///< In the stage's queue.
  /// Whether an output of it was chosen which others may have read, be its file still there or not.
  bool has_content = false;

  bool done() const { return chosen >= 0; }
};

/// A stage of a running job: its tasks, and those that wait to be launched.
///
///                 launch                    first report
///     waiting ─────────────▶ running ─────────────────────▶ done
///        ▲   fails, is lost     │                             │
///        ├──────────────────────┘                             │
///        └────────────────────────────────────────────────────┘
///          its output is lost or removed, or was made from rows that are no longer so
class StageState {
 public:
  explicit StageState(const Stage& stage);

  TaskState& task(int index) { return tasks_[static_cast<size_t>(index)]; }
  const TaskState& task(int index) const { return tasks_[static_cast<size_t>(index)]; }
  int num_tasks() const { return static_cast<int>(tasks_.size()); }

  /// Says that attempts 0 of all tasks are done, which is one with the file of this id.
  void SetGiven(uint64_t file_id);
  /// Lets a task wait to be launched.
  void Enqueue(int index);
  /// Lets all tasks wait.
  void EnqueueAll();
  /// Takes the first waiting task out of the queue, or returns -1.
  int PopWaiting();
  /// The chosen attempt of each task.
  std::vector<int> ChosenAttempts() const;

  StageStatistics statistics;
  int num_done = 0;
  int num_content = 0;    ///< Tasks that have content.
  int num_attempts = 0;   ///< Attempts in flight, those not heard of any more too.
  int num_running = 0;    ///< Attempts in flight that are heard of.
  int num_launched = 0;   ///< Attempts since the beginning.
  int version = -1;       ///< Of its list of outputs.
  bool complete = false;  ///< Every task is done, and the list of outputs is written.
  bool removed = false;   ///< Its outputs were removed, since nobody needed them.
  bool wanted = true;     ///< Somebody still needs its outputs.
  /// Attempts that may run in the whole job while this stage runs: less after it ran out of memory.
  int window = std::numeric_limits<int>::max();
  uint64_t changed_at = 0;  ///< The job's launches when its outputs changed last.

 private:
  std::vector<TaskState> tasks_;
  std::vector<int> queue_;  // A heap, the smallest first. May hold tasks that wait no longer.
};

}  // namespace smallpond
