#include <algorithm>
#include <string>

#include "scheduler/job_state.h"
#include "smallpond/error.h"

// How a job goes on after an event: which stages are complete, wanted, removed and launched.

namespace smallpond {

void JobState::Advance() {
  // Launching a task again may undo stages that were complete, hence the loop. Each round takes
  // content away, so that it ends.
  do {
    CompleteStages();
    if (outputs_changed_) {
      outputs_changed_ = false;
      FindWanted();
      FindPhase();
      RemoveConsumed();
    }
    if (phase_ == JobPhase::kRunning) LaunchReady();
  } while (outputs_changed_ && phase_ == JobPhase::kRunning);
}

void JobState::CompleteStages() {
  for (int s = 0; s <= last(); ++s) {
    StageState& state = State(s);
    if (state.complete || state.num_done < state.num_tasks() || phase_ == JobPhase::kFailed)
      continue;
    if (state.num_tasks() == 0 && !(state.wanted && InputsComplete(s))) continue;
    state.complete = true;
    ++state.version;
    outputs_changed_ = true;
    Do({.kind = JobAction::Kind::kCompleteStage,
        .stage = s,
        .version = state.version,
        .attempts = state.ChosenAttempts()});
  }
}

// A stage is wanted while a wanted one that reads it has tasks to run.
void JobState::FindWanted() {
  for (int s = last(); s >= 0; --s) {
    const auto& consumers = consumers_[static_cast<size_t>(s)];
    State(s).wanted =
        s == last() || std::any_of(consumers.begin(), consumers.end(), [&](const StageInput& by) {
          return State(by.stage).wanted && !State(by.stage).complete;
        });
  }
}

void JobState::FindPhase() {
  if (phase_ == JobPhase::kFailed) return;
  bool is_complete = State(last()).complete;
  if (is_complete && phase_ == JobPhase::kRunning) {
    while (!attempts_.empty()) {  // Of stages that are not wanted any more.
      TaskId id = attempts_.begin()->first;
      CancelAttempts(id.stage, id.task);
      State(id.stage).Enqueue(id.task);  // It waits again, should the result be lost.
    }
    Do({.kind = JobAction::Kind::kFinishJob});
  }
  phase_ = is_complete ? JobPhase::kComplete : JobPhase::kRunning;
}

void JobState::RemoveConsumed() {
  if (phase_ != JobPhase::kRunning) return;  // The whole folder goes.
  for (int s = 0; s < last(); ++s) {
    StageState& state = State(s);
    bool is_given = graph_.stages[static_cast<size_t>(s)].is_given;
    if (is_given || !state.complete || !IsRemovable(s)) continue;
    Do({.kind = JobAction::Kind::kRemoveStage, .stage = s, .attempts = state.ChosenAttempts()});
    for (int t = 0; t < state.num_tasks(); ++t) state.task(t).chosen = -1;
    state.num_done = 0;
    state.complete = false;
    state.removed = true;
    state.changed_at = num_launched_;
    state.EnqueueAll();
  }
}

void JobState::LaunchReady() {
  int window = Window();
  for (int s : launch_order_) {
    if (num_running_ >= window) return;
    StageState& state = State(s);
    if (!state.wanted || state.complete || !InputsComplete(s)) continue;
    while (num_running_ < window) {
      int task = state.PopWaiting();
      if (task < 0) break;
      Launch(s, task);
      if (phase_ != JobPhase::kRunning) return;
    }
  }
}

void JobState::Launch(int stage, int task) {
  StageState& state = State(stage);
  const Stage& description = graph_.stages[static_cast<size_t>(stage)];
  if (num_launched_ >= max_launches_) {
    return Fail(ErrorKind::kUnavailable,
                "The job has launched " + std::to_string(num_launched_) +
                    " attempts, too many for its tasks: workers or outputs are lost all the time.");
  }
  if (!description.deterministic && state.task(task).has_content) {
    ChangeContent(stage, task);
    if (phase_ == JobPhase::kFailed) return;
  }
  TaskId id{stage, task, state.task(task).next_attempt++};
  attempts_[id] = {.heard_ms = now_ms_, .number = ++num_launched_, .window = Window()};
  ++state.task(task).running;
  ++state.num_attempts;
  ++state.num_running;
  ++state.num_launched;
  ++num_running_;
  state.removed = false;
  JobAction action{.kind = JobAction::Kind::kLaunch, .id = id};
  for (const StageInput& input : description.inputs) {
    action.input_versions.push_back(State(input.stage).version);
  }
  if (limits_.lease_ms > 0) {
    next_lease_check_ms_ = std::min(next_lease_check_ms_, now_ms_ + limits_.lease_ms);
  }
  Do(std::move(action));
}

bool JobState::InputsComplete(int stage) const {
  const auto& inputs = graph_.stages[static_cast<size_t>(stage)].inputs;
  return std::all_of(inputs.begin(), inputs.end(),
                     [&](const StageInput& input) { return this->stage(input.stage).complete; });
}

// Whether the stage needs its inputs no longer, as far as can be seen.
bool JobState::IsSettled(int stage) const {
  const StageState& state = this->stage(stage);
  return state.complete || (state.removed && !state.wanted);
}

// Whether nobody needs the outputs of the stage any longer, as far as can be seen.
bool JobState::IsConsumed(int stage) const {
  const auto& consumers = consumers_[static_cast<size_t>(stage)];
  return stage != last() && std::all_of(consumers.begin(), consumers.end(),
                                        [&](const StageInput& by) { return IsSettled(by.stage); });
}

bool JobState::IsRemovable(int stage) const {
  if (!IsConsumed(stage)) return false;
  const auto& consumers = consumers_[static_cast<size_t>(stage)];
  return IsReplayable(stage) ||
         std::all_of(consumers.begin(), consumers.end(),
                     [&](const StageInput& by) { return IsConsumed(by.stage); });
}

bool JobState::IsKnown(TaskId id) const {
  return id.stage >= 0 && id.stage <= last() && id.task >= 0 &&
         id.task < stage(id.stage).num_tasks() && id.attempt >= 0;
}

// How many attempts may run at a time now.
int JobState::Window() const {
  int window = std::min(slots_, limits_.max_running);
  for (const StageState& state : stages_) {
    if (state.wanted && !state.complete) window = std::min(window, state.window);
  }
  return window;
}

std::string JobState::Name(int stage, int task) const {
  const std::string& description = graph_.stages[static_cast<size_t>(stage)].description;
  return "Stage " + std::to_string(stage) + ", task " + std::to_string(task) +
         (description.empty() ? "" : " (" + description + ")");
}

}  // namespace smallpond
