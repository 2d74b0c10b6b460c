#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "scheduler/job_event.h"
#include "scheduler/job_limits.h"
#include "scheduler/stage_state.h"
#include "task/stage_graph.h"

namespace smallpond {

/// Where a job stands.
enum class JobPhase {
  kRunning,
  kComplete,  ///< Every task of the last stage is done.
  kFailed,
};

/// Decides what a job does: a pure function of what happened so far. It has no thread, no clock and
/// no files; it is told of events and answers with actions, to be carried out in their order. One
/// thread uses it.
///
///                ┌────────── an output of the result is lost ──────────┐
///                ▼                                                     │
///     ──▶ running ──────────── the last task reports ────────────▶ complete
///                │                                                     │
///                ├── an error that another try can't mend, a limit     │ the same, or a loss after
///                ▼                                                     │ kCommitted that can't be
///             failed ◀─────────────────────────────────────────────────┘ made good
///
/// **Order.** A stage's tasks are launched when all outputs of its inputs are there, at most as
/// many as the executor has slots. Of several stages that are ready the one furthest from the
/// sources comes first, since it frees exchange files, then the one that stands first in the graph.
///
/// **One attempt counts.** The first report of a task chooses its attempt. Others are cancelled,
/// and what they write is discarded. An attempt that is not heard of counts as lost and is
/// replaced, but as long as its task is not done its report is still welcome.
///
/// **Retries** go by the error's kind alone. Io, Unavailable and lost workers: until the task has
/// failed `max_task_attempts` times. OutOfMemory: once, with half as many attempts at a time. All
/// else ends the job with that error. Discarded attempts, and those that found an input missing,
/// are not counted against their task.
///
/// **Lost outputs.** The task that wrote a lost output is launched again once somebody needs it,
/// and its own inputs before it where they are gone. If its stage is deterministic, nothing else
/// changes. If not, the rows are others than those which some consumers have read: then every
/// consumer that has started is discarded, done or not, and so on through all that was made from
/// them. So all outputs that count at any time belong to one execution of the whole graph. Where
/// that would discard rows of the result which were seen outside (kCommitted), the job fails.
///
/// **Versions.** Whenever the last task of a stage is done its list of outputs is written under a
/// new version; an attempt reads the versions that it was launched with.
///
/// **Removal.** A stage that gives the same rows whenever it runs again (it and all before it are
/// deterministic) is removed when its consumers are complete. Another one is kept until nobody
/// needs the outputs of its consumers either, so that the loss of one of those does not change any
/// rows. If a removed stage is needed after all, it runs again like any lost output.
///
/// **Given stages** are complete from the start and stay. The loss of one of their files ends the
/// job: nobody can make it again.
class JobState {
 public:
  /// Throws Internal where the graph is not in order.
  JobState(StageGraph graph, JobLimits limits);

  /// Takes an event in, and returns what to do. The first event of a job tells its slots.
  std::vector<JobAction> OnEvent(const JobEvent& event);

  JobPhase phase() const { return phase_; }
  const StageGraph& graph() const { return graph_; }
  const StageState& stage(int index) const { return stages_[static_cast<size_t>(index)]; }
  /// Whether the stage gives the same rows whenever it runs again.
  bool IsReplayable(int stage) const { return replayable_[static_cast<size_t>(stage)]; }
  /// Attempts launched so far.
  uint64_t num_launched() const { return num_launched_; }

 private:
  struct Attempt {
    int64_t heard_ms = 0;
    uint64_t number = 0;    // Which launch of the job it was.
    int window = 0;         // Attempts that could run at a time when it was launched.
    bool given_up = false;  // Its worker was lost, or it was not heard of for too long.
  };
  using Attempts = std::map<TaskId, Attempt>;

  // Events.
  void OnTick();
  void OnSlots(int slots);
  void OnHeartbeat(TaskId id);
  void OnFinished(const JobEvent& event);
  void OnFailed(TaskId id, const TaskFailure& failure);
  void OnLost(TaskId id, const std::string& why);

  // Failures.
  bool LoseInput(TaskId reader, const Attempt& attempt, TaskId lost);
  void Retry(TaskId id, const TaskFailure& failure);
  void RetryWithLessMemory(TaskId id, const Attempt& attempt, const TaskFailure& failure);
  void LoseOutput(TaskId id);
  void ChangeContent(int stage, int task);
  void FailCommitted(int stage, int task);
  bool DiscardTask(int stage, int task);
  void Fail(ErrorKind kind, const std::string& message);

  // Going on.
  void Advance();
  void CompleteStages();
  void FindWanted();
  void FindPhase();
  void RemoveConsumed();
  void LaunchReady();
  void Launch(int stage, int task);

  bool InputsComplete(int stage) const;
  bool IsSettled(int stage) const;
  bool IsConsumed(int stage) const;
  bool IsRemovable(int stage) const;
  bool IsKnown(TaskId id) const;
  int Window() const;
  std::string Name(int stage, int task) const;

  StageState& State(int stage) { return stages_[static_cast<size_t>(stage)]; }
  TaskState& Task(TaskId id) { return State(id.stage).task(id.task); }
  int last() const { return static_cast<int>(stages_.size()) - 1; }
  void Do(JobAction action) { actions_.push_back(std::move(action)); }
  Attempts::iterator Forget(Attempts::iterator attempt);
  void GiveUp(Attempts::iterator attempt);
  void CancelAttempts(int stage, int task);
  void Undo(int stage, int task);

  StageGraph graph_;
  JobLimits limits_;
  std::vector<std::vector<StageInput>> consumers_;  // Of each stage: who, and how.
  std::vector<bool> replayable_;
  std::vector<int> launch_order_;
  uint64_t max_launches_ = 0;

  JobPhase phase_ = JobPhase::kRunning;
  bool committed_ = false;
  std::vector<StageState> stages_;
  Attempts attempts_;                                    // In flight, given up or not.
  std::multimap<int64_t, std::pair<int, int>> delayed_;  // When to try a task again.
  int slots_ = 0;
  int num_running_ = 0;
  uint64_t num_launched_ = 0;
  int64_t now_ms_ = 0;
  int64_t last_tick_ms_ = -1;
  int64_t next_lease_check_ms_ = 0;
  int64_t no_slots_since_ms_ = -1;
  bool outputs_changed_ = true;  // Since the last look at what is wanted.
  std::vector<JobAction> actions_;
};

}  // namespace smallpond
