#pragma once

#include <cstdint>
#include <vector>

#include "task/task_id.h"
#include "task/task_report.h"

namespace smallpond {

/// What happened to a job. Each kind uses the fields that are named with it.
struct JobEvent {
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
struct JobAction {
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
