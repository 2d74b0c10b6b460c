#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smallpond/error.h"
#include "task/task_id.h"

namespace smallpond {

/// Rows that a task wrote for one partition.
struct PartitionSize {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

/// What an attempt that ended well did.
struct TaskResult {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  int64_t wall_ms = 0;
  int64_t cpu_ms = 0;
  uint64_t peak_memory_bytes = 0;
  uint64_t spilled_bytes = 0;
  std::vector<PartitionSize> partitions;  ///< One for each partition of its stage, or none.
};

/// Why an attempt ended badly.
struct TaskFailure {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;
  /// The attempt whose output was missing or damaged, where that is why.
  std::optional<TaskId> lost_input;
};

/// What happened to a job. Each kind uses the fields that are named with it.
struct Event {
  enum class Kind {
    kTick,         ///< Time went by. Comes at least every half lease.
    kSlots,        ///< `slots` attempts can run at a time now.
    kHeartbeat,    ///< The attempt `id` runs.
    kFinished,     ///< The attempt `id` ended well: `result`.
    kFailed,       ///< The attempt `id` ended badly: `failure`.
    kLost,         ///< The worker of the attempt `id` died or can't be reached.
    kOutputsLost,  ///< The files of these finished attempts are gone: `outputs`.
    kCommitted,    ///< Somebody outside has seen rows of the result.
    kAbort,        ///< The job is given up: `failure` says why.
  };

  Kind kind = Kind::kTick;
  int64_t now_ms = 0;  ///< Of a clock that never goes back.
  TaskId id = {};
  int slots = 0;
  TaskResult result = {};
  TaskFailure failure = {};
  std::vector<TaskId> outputs = {};
};

/// What a job wants done, in this order.
struct Action {
  enum class Kind {
    kLaunch,          ///< Run the attempt `id` on the outputs `input_versions` of its inputs.
    kCancel,          ///< Stop the attempt `id`: nobody waits for it any more.
    kDiscardAttempt,  ///< Remove what the attempt `id` wrote, which nobody will read.
    kCompleteStage,   ///< Write the list `version` of the outputs of `stage`: `attempts`.
    kRemoveStage,     ///< Remove the outputs of `stage`: `attempts`.
    kFinishJob,       ///< The result is complete.
    kFailJob,         ///< The job has failed: `failure`.
  };

  Kind kind = Kind::kLaunch;
  TaskId id = {};
  int stage = 0;
  int version = 0;
  std::vector<int> input_versions = {};  ///< One for each input of the stage.
  std::vector<int> attempts = {};        ///< The attempt that counts, of each task of the stage.
  TaskFailure failure = {};
};

}  // namespace smallpond
