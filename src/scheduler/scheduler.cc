#include "scheduler/scheduler.h"

#include <chrono>
#include <utility>
#include <variant>

#include "base/limits.h"
#include "smallpond/error.h"
#include "smallpond/options.h"
#include "task/task_report.h"

namespace smallpond {
namespace {

int64_t MachineMs() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

JobLogLine FinishedLine(TaskId id, const TaskResult& result) {
  JobLogLine line = JobLogLine::Of("finished", id);
  line.rows = static_cast<int64_t>(result.rows);
  line.bytes = static_cast<int64_t>(result.bytes);
  line.ms = result.wall_ms;
  return line;
}

JobLogLine FailedLine(std::string event, TaskId id, const TaskFailure& failure) {
  JobLogLine line = JobLogLine::Of(std::move(event), id);
  line.kind = ErrorKindName(failure.kind);
  line.message = failure.message;
  return line;
}

JobLogLine StageLine(std::string event, int stage) {
  JobLogLine line;
  line.event = std::move(event);
  line.stage = stage;
  return line;
}

JobLimits LimitsFor(const Executor& executor, JobLimits limits) {
  if (!executor.SendsHeartbeats()) limits.lease_ms = 0;
  return limits;
}

}  // namespace

Scheduler::Scheduler(StageGraph graph, JobLimits limits, Parts parts)
    : state_(std::move(graph), LimitsFor(parts.executor, limits)), parts_(std::move(parts)) {
  if (!parts_.clock) parts_.clock = MachineMs;
}

void Scheduler::Run() {
  try {
    while (state_.phase() == JobPhase::kRunning) Step();
  } catch (const Error& error) {
    failed_outside_ = true;
    Abort(error.kind(), error.what());
    Drain();
    throw;
  } catch (...) {
    failed_outside_ = true;
    Abort(ErrorKind::kCancelled, "The caller's observer failed.");
    Drain();
    throw;
  }
  Drain();
  if (state_.phase() == JobPhase::kFailed) throw Error(failure_.kind, failure_.message);
}

// One turn: slots, events, time, then what others than the executor have to do.
void Scheduler::Step() {
  int slots = parts_.executor.Slots();
  if (slots != slots_) {
    slots_ = slots;
    Apply({.kind = JobEvent::Kind::kSlots, .slots = slots});
    Submit();
  }
  int timeout_ms = removals_.empty() ? kTickIntervalMs : 0;
  for (const TaskEvent& event : Wait(timeout_ms)) {
    // What comes together with the end of the job is no news any more.
    if (state_.phase() == JobPhase::kRunning) Apply(EventOf(event));
  }
  Apply({.kind = JobEvent::Kind::kTick});
  Submit();
  RemoveSome();
  Observe();
}

// This job's events, with ids as the job knows them.
std::vector<TaskEvent> Scheduler::Wait(int timeout_ms) {
  std::vector<TaskEvent> events = parts_.executor.Wait(timeout_ms);
  std::erase_if(events, [&](const TaskEvent& event) { return event.id.job != parts_.job; });
  for (TaskEvent& event : events) {
    event.id.job = 0;
    if (event.kind != TaskEvent::Kind::kHeartbeat) submitted_.erase(event.id);
  }
  return events;
}

JobEvent Scheduler::EventOf(const TaskEvent& event) {
  JobEvent out{.id = event.id};
  switch (event.kind) {
    case TaskEvent::Kind::kHeartbeat:
      out.kind = JobEvent::Kind::kHeartbeat;
      return out;
    case TaskEvent::Kind::kLost:
    case TaskEvent::Kind::kCancelled:  // News only of an attempt that nobody asked to stop.
      out.kind = JobEvent::Kind::kLost;
      out.failure = {ErrorKind::kUnavailable, event.report, std::nullopt};
      if (event.kind == TaskEvent::Kind::kLost) Log(FailedLine("lost", event.id, out.failure));
      return out;
    case TaskEvent::Kind::kFinished:
      break;
  }
  auto report = ParseTaskReport(event.report);
  if (auto* result = std::get_if<TaskResult>(&report)) {
    Log(FinishedLine(event.id, *result));
    out.kind = JobEvent::Kind::kFinished;
    if (!result->files.empty()) files_[event.id] = std::move(result->files);
    out.result = std::move(*result);
  } else {
    out.kind = JobEvent::Kind::kFailed;
    out.failure = std::get<TaskFailure>(std::move(report));
    Log(FailedLine("failed", event.id, out.failure));
  }
  return out;
}

void Scheduler::Apply(JobEvent event) {
  event.now_ms = parts_.clock();
  for (const JobAction& action : state_.OnEvent(event)) Carry(action);
}

void Scheduler::Carry(const JobAction& action) {
  switch (action.kind) {
    case JobAction::Kind::kLaunch:
      launches_.push_back({Outside(action.id), parts_.make_spec(action.id, action.input_versions)});
      submitted_.insert(action.id);
      return Log(JobLogLine::Of("launched", action.id));
    case JobAction::Kind::kCancel:
      // One that was not handed over yet simply does not begin.
      if (std::erase_if(launches_, [&](const auto& l) { return l.id == Outside(action.id); }) > 0) {
        submitted_.erase(action.id);
      } else {
        parts_.executor.Cancel(Outside(action.id));
      }
      return Log(JobLogLine::Of("cancelled", action.id));
    case JobAction::Kind::kDiscardAttempt:
      removals_.push_back(action.id);
      return Log(JobLogLine::Of("discarded", action.id));
    case JobAction::Kind::kCompleteStage: {
      parts_.files.WriteOutputs(ListOf(action.stage, action.version, action.attempts));
      JobLogLine line = StageLine("stage complete", action.stage);
      line.version = action.version;
      line.rows = static_cast<int64_t>(state_.stage(action.stage).statistics.rows());
      line.bytes = static_cast<int64_t>(state_.stage(action.stage).statistics.bytes());
      return Log(std::move(line));
    }
    case JobAction::Kind::kRemoveStage:
      for (size_t task = 0; task < action.attempts.size(); ++task) {
        removals_.push_back({action.stage, static_cast<int>(task), action.attempts[task]});
      }
      return Log(StageLine("stage removed", action.stage));
    case JobAction::Kind::kFinishJob:
      return Log({.event = "job complete"});
    case JobAction::Kind::kFailJob:
      failure_ = action.failure;
      Log({.event = "job failed",
           .kind = std::string(ErrorKindName(failure_.kind)),
           .message = failure_.message});
  }
}

void Scheduler::Submit() {
  if (launches_.empty()) return;
  parts_.executor.Submit(std::exchange(launches_, {}));
}

void Scheduler::RemoveSome() {
  for (int i = 0; i < kRemovalsPerTurn && !removals_.empty(); ++i) {
    parts_.files.RemoveAttempt(removals_.front());
    removals_.pop_front();
  }
}

void Scheduler::Observe() {
  if (!parts_.observer || state_.phase() != JobPhase::kRunning) return;
  int64_t now_ms = parts_.clock();
  if (now_ms - observed_ms_ < kTickIntervalMs) return;
  observed_ms_ = now_ms;
  if (!parts_.observer(Progress())) Abort(ErrorKind::kCancelled, "The query was stopped.");
}

// Nothing that goes wrong here may hide why the job is given up.
void Scheduler::Abort(ErrorKind kind, const std::string& message) {
  try {
    Apply({.kind = JobEvent::Kind::kAbort, .failure = {kind, message, std::nullopt}});
  } catch (...) {  // Such as a log on a full disk.
    failure_ = {kind, message, std::nullopt};
    for (TaskId id : submitted_) parts_.executor.Cancel(Outside(id));
  }
}

// Waits for attempts that were asked to stop: they use memory and files of the job.
void Scheduler::Drain() {
  try {
    int64_t end_ms = parts_.clock() + kDrainMs;
    for (TaskLaunch& launch : launches_) {
      launch.id.job = 0;
      submitted_.erase(launch.id);
    }
    launches_.clear();
    while (!submitted_.empty()) {
      int64_t left_ms = end_ms - parts_.clock();
      if (left_ms <= 0) break;
      Wait(static_cast<int>(left_ms));
    }
  } catch (...) {  // The executor is of no use any more.
  }
}

void Scheduler::Log(JobLogLine line) {
  if (parts_.log) parts_.log->Write(std::move(line));
}

void Scheduler::ReportLost(std::vector<TaskId> outputs) {
  for (TaskId id : outputs) Log(JobLogLine::Of("output lost", id));
  Apply({.kind = JobEvent::Kind::kOutputsLost, .outputs = std::move(outputs)});
  Submit();
}

void Scheduler::ReportCommitted() {
  Log({.event = "result committed"});
  Apply({.kind = JobEvent::Kind::kCommitted});
}

OutputsList Scheduler::Outputs(int stage) const {
  return ListOf(stage, state_.stage(stage).version, state_.stage(stage).ChosenAttempts());
}

OutputsList Scheduler::ListOf(int stage, int version, const std::vector<int>& attempts) const {
  OutputsList list{stage, version, {}};
  list.files.reserve(attempts.size());
  const StageState& state = state_.stage(stage);
  for (int attempt : attempts) {
    int task = static_cast<int>(list.files.size());
    list.files.push_back({attempt, state.statistics.rows(task), state.statistics.bytes(task),
                          state.task(task).file_id});
  }
  return list;
}

const std::vector<WrittenFile>& Scheduler::Files(int stage, int task) const {
  static const std::vector<WrittenFile> kNone;
  auto found = files_.find({stage, task, state_.stage(stage).task(task).chosen});
  return found == files_.end() ? kNone : found->second;
}

JobProgress Scheduler::Progress() const {
  JobProgress progress;
  for (size_t s = 0; s < state_.graph().stages.size(); ++s) {
    const StageState& state = state_.stage(static_cast<int>(s));
    progress.stages.push_back(
        {state.num_tasks(), state.removed ? state.num_tasks() : state.num_done, state.num_running,
         state.num_launched, state.statistics.rows(), state.statistics.bytes(), state.removed});
  }
  return progress;
}

}  // namespace smallpond
