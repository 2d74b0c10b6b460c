#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scheduler/job_state.h"
#include "smallpond/error.h"

namespace smallpond {

/// A job without an executor: a test says what happens, and reads what the job wants done, as text:
/// "launch 1/0/2" (stage, task, attempt), "cancel 1/0/2", "discard 1/0/2", "complete 1 v0",
/// "remove 1", "finish", "fail Io".
class JobPlay {
 public:
  using Actions = std::vector<std::string>;

  explicit JobPlay(StageGraph graph, int slots = 10, JobLimits limits = TestLimits())
      : state(std::move(graph), limits) {
    first = Apply({.kind = JobEvent::Kind::kSlots, .slots = slots});
  }

  static JobLimits TestLimits() {
    JobLimits limits;
    limits.lease_ms = 1000;
    limits.retry_delay_ms = 0;
    return limits;
  }

  Actions Apply(JobEvent event) {
    event.now_ms = now_ms;
    Actions texts;
    for (const JobAction& action : state.OnEvent(event)) texts.push_back(TextOf(action));
    return texts;
  }

  Actions Slots(int slots) { return Apply({.kind = JobEvent::Kind::kSlots, .slots = slots}); }
  Actions Finish(TaskId id) { return Apply({.kind = JobEvent::Kind::kFinished, .id = id}); }
  Actions Lose(TaskId id) { return Apply({.kind = JobEvent::Kind::kLost, .id = id}); }
  Actions Beat(TaskId id) { return Apply({.kind = JobEvent::Kind::kHeartbeat, .id = id}); }
  Actions Commit() { return Apply({.kind = JobEvent::Kind::kCommitted}); }
  Actions LoseOutput(TaskId id) {
    return Apply({.kind = JobEvent::Kind::kOutputsLost, .outputs = {id}});
  }
  Actions Fail(TaskId id, ErrorKind kind) {
    return Apply({.kind = JobEvent::Kind::kFailed, .id = id, .failure = {kind, "injected", {}}});
  }
  Actions MissInput(TaskId id, TaskId input) {
    return Apply(
        {.kind = JobEvent::Kind::kFailed, .id = id, .failure = {ErrorKind::kIo, "missing", input}});
  }
  Actions Abort() {
    return Apply({.kind = JobEvent::Kind::kAbort, .failure = {ErrorKind::kCancelled, "stop", {}}});
  }
  /// Lets time go by in steps of a tenth of a second, as the loop does.
  Actions Pass(int64_t ms) {
    Actions all;
    for (int64_t end_ms = now_ms + ms; now_ms < end_ms;) {
      now_ms += 100;
      for (auto& text : Apply({.kind = JobEvent::Kind::kTick})) all.push_back(text);
    }
    return all;
  }

  Actions first;  ///< What the job wanted at the beginning.
  JobState state;
  int64_t now_ms = 0;
  std::string message;                   ///< Of the failure.
  std::vector<std::vector<int>> inputs;  ///< Versions that each launch was to read.

 private:
  static std::string TextOf(TaskId id) {
    return std::to_string(id.stage) + "/" + std::to_string(id.task) + "/" +
           std::to_string(id.attempt);
  }

  std::string TextOf(const JobAction& action) {
    switch (action.kind) {
      case JobAction::Kind::kLaunch:
        inputs.push_back(action.input_versions);
        return "launch " + TextOf(action.id);
      case JobAction::Kind::kCancel:
        return "cancel " + TextOf(action.id);
      case JobAction::Kind::kDiscardAttempt:
        return "discard " + TextOf(action.id);
      case JobAction::Kind::kCompleteStage:
        return "complete " + std::to_string(action.stage) + " v" + std::to_string(action.version);
      case JobAction::Kind::kRemoveStage:
        return "remove " + std::to_string(action.stage);
      case JobAction::Kind::kFinishJob:
        return "finish";
      case JobAction::Kind::kFailJob:
        message = action.failure.message;
        return "fail " + std::string(ErrorKindName(action.failure.kind));
    }
    return "";
  }
};

/// Stages one after the other, each reading the one before by `kind`.
inline StageGraph Chain(std::vector<int> tasks, std::vector<bool> deterministic = {},
                        ExchangeKind kind = ExchangeKind::kHash) {
  StageGraph graph;
  for (size_t i = 0; i < tasks.size(); ++i) {
    Stage stage;
    stage.id = static_cast<int>(i);
    stage.num_tasks = tasks[i];
    stage.deterministic = deterministic.empty() || deterministic[i];
    if (i > 0) stage.inputs = {{stage.id - 1, kind}};
    graph.stages.push_back(stage);
  }
  return graph;
}

}  // namespace smallpond
