#include "scheduler/job_state.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "smallpond/error.h"

// What events do to a job. How it goes on from there is in job_state_advance.cc.

namespace smallpond {
namespace {

void CheckStage(const StageGraph& graph, size_t index) {
  const Stage& stage = graph.stages[index];
  auto check = [&](bool holds, const std::string& what) {
    if (holds) return;
    throw Error(ErrorKind::kInternal, "Stage " + std::to_string(index) + " of the graph " + what);
  };
  check(stage.id == static_cast<int>(index), "has the id " + std::to_string(stage.id) + ".");
  check(stage.num_tasks >= 0, "has " + std::to_string(stage.num_tasks) + " tasks.");
  check(stage.output.num_partitions >= 1, "has no partitions.");
  for (const StageInput& input : stage.inputs) {
    std::string name = "stage " + std::to_string(input.stage);
    check(input.stage >= 0 && input.stage < stage.id,
          "reads " + name + ", which is not before it.");
    check(input.kind != ExchangeKind::kForward ||
              graph.stages[static_cast<size_t>(input.stage)].num_tasks <= stage.num_tasks,
          "reads " + name + " task by task, and has fewer.");
  }
}

// How many stages there are before each, at most, on a way from a source.
std::vector<int> Depths(const StageGraph& graph) {
  std::vector<int> depths;
  for (const Stage& stage : graph.stages) {
    int depth = 0;
    for (const StageInput& input : stage.inputs) {
      depth = std::max(depth, depths[static_cast<size_t>(input.stage)] + 1);
    }
    depths.push_back(depth);
  }
  return depths;
}

}  // namespace

JobState::JobState(StageGraph graph, JobLimits limits) : graph_(std::move(graph)), limits_(limits) {
  if (graph_.stages.empty()) throw Error(ErrorKind::kInternal, "The graph has no stages.");
  limits_.max_task_attempts = std::clamp(limits_.max_task_attempts, 1, 255);  // Counted in a byte.
  limits_.max_memory_attempts = std::clamp(limits_.max_memory_attempts, 1, 255);
  consumers_.resize(graph_.stages.size());
  uint64_t num_tasks = 0;
  for (size_t i = 0; i < graph_.stages.size(); ++i) {
    CheckStage(graph_, i);
    const Stage& stage = graph_.stages[i];
    num_tasks += static_cast<uint64_t>(stage.num_tasks);
    bool replayable = stage.deterministic;
    for (const StageInput& input : stage.inputs) {
      consumers_[static_cast<size_t>(input.stage)].push_back({stage.id, input.kind});
      replayable = replayable && IsReplayable(input.stage);
    }
    replayable_.push_back(replayable);
    stages_.emplace_back(stage);
    if (stage.is_given) stages_.back().SetGiven(stage.given_file_id);
  }
  max_launches_ = num_tasks * static_cast<uint64_t>(limits_.attempts_per_task) +
                  static_cast<uint64_t>(limits_.extra_attempts);
  launch_order_.resize(stages_.size());
  std::iota(launch_order_.begin(), launch_order_.end(), 0);
  std::vector<int> depths = Depths(graph_);
  std::stable_sort(launch_order_.begin(), launch_order_.end(), [&](int a, int b) {
    return depths[static_cast<size_t>(a)] > depths[static_cast<size_t>(b)];
  });
}

std::vector<JobAction> JobState::OnEvent(const JobEvent& event) {
  actions_.clear();
  if (phase_ == JobPhase::kFailed) return {};
  now_ms_ = std::max(now_ms_, event.now_ms);
  switch (event.kind) {
    case JobEvent::Kind::kTick:
      OnTick();
      break;
    case JobEvent::Kind::kSlots:
      OnSlots(event.slots);
      break;
    case JobEvent::Kind::kHeartbeat:
      OnHeartbeat(event.id);
      break;
    case JobEvent::Kind::kFinished:
      OnFinished(event);
      break;
    case JobEvent::Kind::kFailed:
      OnFailed(event.id, event.failure);
      break;
    case JobEvent::Kind::kLost:
      OnLost(event.id, event.failure.message);
      break;
    case JobEvent::Kind::kOutputsLost:
      for (TaskId id : event.outputs) LoseOutput(id);
      break;
    case JobEvent::Kind::kCommitted:
      committed_ = true;
      break;
    case JobEvent::Kind::kAbort:
      Fail(event.failure.kind, event.failure.message);
      break;
  }
  Advance();
  return std::move(actions_);
}

// --- events ---

void JobState::OnTick() {
  // Time in which this loop itself stood still (a suspended machine, a stopped process) says
  // nothing about the attempts: what they sent meanwhile has not been read.
  int64_t gap_ms = last_tick_ms_ < 0 ? 0 : now_ms_ - last_tick_ms_;
  last_tick_ms_ = now_ms_;
  if (gap_ms > limits_.lease_ms / 2) {
    for (auto& [id, attempt] : attempts_) attempt.heard_ms += gap_ms;
    next_lease_check_ms_ = now_ms_;
  }
  while (!delayed_.empty() && delayed_.begin()->first <= now_ms_) {
    auto [stage, task] = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    State(stage).Enqueue(task);
  }
  if (slots_ == 0 && now_ms_ - no_slots_since_ms_ > limits_.no_slots_ms) {
    return Fail(ErrorKind::kUnavailable,
                "No worker could run a task for " + std::to_string(limits_.no_slots_ms / 1000) +
                    " seconds. Check that the workers are up, and run it again.");
  }
  if (limits_.lease_ms <= 0 || now_ms_ < next_lease_check_ms_) return;
  // Heartbeats only move leases on, so that nothing can run out before the earliest of now.
  next_lease_check_ms_ = now_ms_ + limits_.lease_ms;
  std::vector<TaskId> silent;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.given_up) continue;
    int64_t end_ms = attempt.heard_ms + limits_.lease_ms;
    if (end_ms < now_ms_) silent.push_back(id);
    if (end_ms >= now_ms_) next_lease_check_ms_ = std::min(next_lease_check_ms_, end_ms);
  }
  for (TaskId id : silent) {
    if (phase_ == JobPhase::kFailed) return;
    OnLost(id,
           "Nothing was heard of it for " + std::to_string(limits_.lease_ms / 1000) + " seconds.");
  }
}

void JobState::OnSlots(int slots) {
  slots = std::max(slots, 0);
  if (slots == 0 && (slots_ > 0 || no_slots_since_ms_ < 0)) no_slots_since_ms_ = now_ms_;
  slots_ = slots;
}

void JobState::OnHeartbeat(TaskId id) {
  auto attempt = attempts_.find(id);
  if (attempt != attempts_.end()) attempt->second.heard_ms = now_ms_;
}

void JobState::OnFinished(const JobEvent& event) {
  TaskId id = event.id;
  auto attempt = attempts_.find(id);
  if (attempt == attempts_.end()) {
    // Another attempt counts, or its inputs are no longer what they were. If it is the one that
    // counts, this is an echo.
    if (IsKnown(id) && Task(id).chosen != id.attempt) {
      Do({.kind = JobAction::Kind::kDiscardAttempt, .id = id});
    }
    return;
  }
  Forget(attempt);
  CancelAttempts(id.stage, id.task);
  StageState& stage = State(id.stage);
  TaskState& task = Task(id);
  task.chosen = id.attempt;
  task.file_id = event.result.file_id;
  ++stage.num_done;
  stage.changed_at = num_launched_;
  if (!task.has_content) ++stage.num_content;
  task.has_content = true;
  stage.statistics.Set(id.task, event.result);
}

void JobState::OnFailed(TaskId id, const TaskFailure& failure) {
  auto found = attempts_.find(id);
  if (found == attempts_.end()) {
    // Nobody waits for it. What it says about its input may be news nevertheless.
    if (failure.lost_input && IsKnown(*failure.lost_input)) LoseOutput(*failure.lost_input);
    return;
  }
  Attempt attempt = found->second;
  Forget(found);
  if (failure.lost_input && LoseInput(id, attempt, *failure.lost_input)) return;
  switch (failure.kind) {
    case ErrorKind::kIo:
    case ErrorKind::kUnavailable:
      if (!attempt.given_up) Retry(id, failure);
      return;
    case ErrorKind::kOutOfMemory:
      return RetryWithLessMemory(id, attempt, failure);
    default:
      return Fail(failure.kind, Name(id.stage, id.task) + " failed: " + failure.message);
  }
}

void JobState::OnLost(TaskId id, const std::string& why) {
  auto attempt = attempts_.find(id);
  if (attempt == attempts_.end() || attempt->second.given_up) return;
  GiveUp(attempt);
  Retry(id, {ErrorKind::kUnavailable, "Its worker was lost. " + why, std::nullopt});
}

// --- failures ---

// Returns false where the reader can't be believed: it read the list of the outputs that count, and
// names another. It then fails like any other, so that it does not go round for ever.
bool JobState::LoseInput(TaskId reader, const Attempt& attempt, TaskId lost) {
  if (!IsKnown(lost)) return false;
  const auto& inputs = graph_.stages[static_cast<size_t>(reader.stage)].inputs;
  bool is_input = std::any_of(inputs.begin(), inputs.end(),
                              [&](const StageInput& input) { return input.stage == lost.stage; });
  bool is_current = Task(lost).chosen == lost.attempt;
  bool was_current = attempt.number <= State(lost.stage).changed_at;
  if (!is_input || (!is_current && !was_current)) return false;
  LoseOutput(lost);
  State(reader.stage).Enqueue(reader.task);  // At once: it waits for its input in any case.
  return true;
}

void JobState::Retry(TaskId id, const TaskFailure& failure) {
  TaskState& task = Task(id);
  if (++task.failures >= limits_.max_task_attempts) {
    return Fail(failure.kind, Name(id.stage, id.task) + " failed " + std::to_string(task.failures) +
                                  " times, the last time: " + failure.message);
  }
  int64_t delay_ms = limits_.retry_delay_ms << std::min(task.failures - 1, 20);
  delayed_.emplace(now_ms_ + delay_ms, std::pair(id.stage, id.task));
}

void JobState::RetryWithLessMemory(TaskId id, const Attempt& attempt, const TaskFailure& failure) {
  TaskState& task = Task(id);
  StageState& stage = State(id.stage);
  if (++task.out_of_memory >= limits_.max_memory_attempts) {
    return Fail(failure.kind, Name(id.stage, id.task) + " ran out of memory " +
                                  std::to_string(task.out_of_memory) +
                                  " times, the last time: " + failure.message);
  }
  // Those that were launched under the same window and fail as well say nothing new.
  if (stage.window >= attempt.window) {
    stage.window = std::max(1, std::min(attempt.window, num_running_ + 1) / 2);
  }
  stage.Enqueue(id.task);
}

// Only marks the output as missing: it is made again when somebody needs it.
void JobState::LoseOutput(TaskId id) {
  if (phase_ == JobPhase::kFailed || !IsKnown(id) || Task(id).chosen != id.attempt) return;
  TaskState& task = Task(id);
  if (graph_.stages[static_cast<size_t>(id.stage)].is_given) {
    return Fail(ErrorKind::kIo, "The file of " + Name(id.stage, id.task) +
                                    ", which this process wrote for the job, is gone or damaged. "
                                    "Check the storage of the job's folder, and run it again.");
  }
  Undo(id.stage, id.task);
  if (++task.losses >= limits_.max_task_attempts) {
    Fail(ErrorKind::kIo, "The output of " + Name(id.stage, id.task) + " was lost " +
                             std::to_string(task.losses) +
                             " times. Check the storage that it was written to.");
  }
}

namespace {

// Tasks of a stage whose rows are no longer what they were.
struct Changed {
  bool all = false;
  std::vector<int> tasks;
  bool any() const { return all || !tasks.empty(); }
};

}  // namespace

// An attempt of a nondeterministic task is about to write other rows than those that its consumers
// may have read. Each stage is visited once, in the graph's order.
void JobState::ChangeContent(int stage, int task) {
  std::vector<Changed> changed(stages_.size());
  changed[static_cast<size_t>(stage)].tasks = {task};
  State(stage).task(task).has_content = false;
  --State(stage).num_content;
  if (stage == last() && committed_) return FailCommitted(stage, task);
  for (int s = stage + 1; s <= last(); ++s) {
    Changed inputs;
    for (const StageInput& input : graph_.stages[static_cast<size_t>(s)].inputs) {
      const Changed& producer = changed[static_cast<size_t>(input.stage)];
      if (!producer.any()) continue;
      if (input.kind != ExchangeKind::kForward) inputs.all = true;
      inputs.tasks.insert(inputs.tasks.end(), producer.tasks.begin(), producer.tasks.end());
    }
    StageState& state = State(s);
    if (!inputs.any() || (state.num_content == 0 && state.num_attempts == 0)) continue;
    std::vector<int>& lost = changed[static_cast<size_t>(s)].tasks;
    if (inputs.all) {
      for (int t = 0; t < state.num_tasks(); ++t) {
        if (DiscardTask(s, t)) lost.push_back(t);
      }
    } else {
      for (int t : inputs.tasks) {
        if (DiscardTask(s, t)) lost.push_back(t);
      }
    }
    if (s == last() && committed_ && !lost.empty()) return FailCommitted(stage, task);
    if (state.num_content == 0) state.statistics.ResetPartitions();
  }
}

void JobState::FailCommitted(int stage, int task) {
  Fail(ErrorKind::kUnavailable,
       "The output of " + Name(stage, task) +
           " was lost after rows made from it had been handed out, and computing it again may give "
           "other rows. Run the query again.");
}

// Makes a task begin anew, whatever it was doing. Returns whether others may have read its output.
bool JobState::DiscardTask(int stage, int task) {
  StageState& state = State(stage);
  TaskState& discarded = state.task(task);
  CancelAttempts(stage, task);
  if (discarded.done()) {
    Do({.kind = JobAction::Kind::kDiscardAttempt, .id = {stage, task, discarded.chosen}});
    Undo(stage, task);
  } else {
    state.Enqueue(task);
  }
  if (!discarded.has_content) return false;
  discarded.has_content = false;
  --state.num_content;
  return true;
}

void JobState::Fail(ErrorKind kind, const std::string& message) {
  if (phase_ == JobPhase::kFailed) return;
  phase_ = JobPhase::kFailed;
  for (const auto& [id, attempt] : attempts_) Do({.kind = JobAction::Kind::kCancel, .id = id});
  attempts_.clear();
  Do({.kind = JobAction::Kind::kFailJob, .failure = {kind, message, std::nullopt}});
}

// --- attempts ---

JobState::Attempts::iterator JobState::Forget(Attempts::iterator attempt) {
  if (!attempt->second.given_up) GiveUp(attempt);
  --State(attempt->first.stage).num_attempts;
  return attempts_.erase(attempt);
}

void JobState::GiveUp(Attempts::iterator attempt) {
  attempt->second.given_up = true;
  --num_running_;
  --State(attempt->first.stage).num_running;
  --Task(attempt->first).running;
}

void JobState::CancelAttempts(int stage, int task) {
  auto attempt = attempts_.lower_bound({stage, task, 0});
  while (attempt != attempts_.end() && attempt->first.stage == stage &&
         attempt->first.task == task) {
    Do({.kind = JobAction::Kind::kCancel, .id = attempt->first});
    attempt = Forget(attempt);
  }
}

void JobState::Undo(int stage, int task) {
  StageState& state = State(stage);
  state.task(task).chosen = -1;
  --state.num_done;
  state.complete = false;
  state.changed_at = num_launched_;
  state.Enqueue(task);
  outputs_changed_ = true;
}

}  // namespace smallpond
