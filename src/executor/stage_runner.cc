#include "executor/stage_runner.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "duckdb_adapter/cut/run_fragment.h"
#include "scheduler/job_directory_files.h"
#include "scheduler/job_log.h"
#include "smallpond/error.h"
#include "smallpond/options.h"

namespace smallpond {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Writes what the workers read beside the exchange files.
void WriteJob(const StagePlan& plan, const JobDirectory& directory) {
  std::vector<std::string> written;
  for (const Stage& stage : plan.graph.stages) {
    const auto& work = plan.work[static_cast<size_t>(stage.id)];
    if (std::find(written.begin(), written.end(), stage.fragment) == written.end()) {
      JobDirectory::WriteNew(directory.FragmentPath(stage.fragment), work.fragment);
      written.push_back(stage.fragment);
    }
    for (size_t begin = 0; begin < work.scans.size(); begin += kTasksPerScanList) {
      auto first = work.scans.begin() + static_cast<std::ptrdiff_t>(begin);
      auto count = std::min<size_t>(kTasksPerScanList, work.scans.size() - begin);
      std::vector<TaskScans> tasks(first, first + static_cast<std::ptrdiff_t>(count));
      JobDirectory::WriteNew(
          directory.path() + "/" + ScanListFileName(stage.id, static_cast<int>(begin)),
          FormatScanList(tasks));
    }
  }
}

double FractionDone(const JobProgress& progress) {
  double done = 0;
  double all = 0;
  for (const auto& stage : progress.stages) {
    done += stage.num_done;
    all += stage.num_tasks;
  }
  return all > 0 ? done / all : 0;
}

std::string WhereToLook(const JobDirectory& directory) {
  return "\nWhat happened is told by '" + directory.log_path() + "', which is kept for " +
         std::to_string(JobDirectory::kKeptDays) + " days.";
}

JobReport ReportOf(const StagePlan& plan, const Scheduler& scheduler) {
  JobReport report;
  report.graph = plan.graph;
  report.notes = plan.notes;
  auto progress = scheduler.Progress();
  for (const Stage& stage : plan.graph.stages) {
    report.stages.push_back(scheduler.state().stage(stage.id).statistics.Summarize());
    report.attempts.push_back(progress.stages[static_cast<size_t>(stage.id)].num_attempts);
  }
  return report;
}

}  // namespace

FinishedJob::FinishedJob(std::unique_ptr<JobDirectory> directory, StagePlan plan,
                         OutputsList outputs, JobReport report)
    : directory_(std::move(directory)),
      plan_(std::move(plan)),
      outputs_(std::move(outputs)),
      report_(std::move(report)) {
  plan_.work.clear();  // Large, and done.
}

FinishedJob::~FinishedJob() { directory_->Remove(); }

Statement FinishedJob::Result(Connection& connection) const {
  TaskInputs inputs;
  auto& parts = inputs.exchanges[plan_.result_input].parts;
  for (int task = 0; task < static_cast<int>(outputs_.files.size()); ++task) {
    int attempt = outputs_.files[static_cast<size_t>(task)].attempt;
    parts.push_back({directory_->AttemptPath(outputs_.stage, task, attempt), 0, 1, outputs_.stage,
                     task, attempt});
  }
  return QueryFragment(connection, plan_.result, inputs, plan_.columns);
}

std::unique_lock<std::timed_mutex> StageRunner::WaitForTurn(Connection& connection) {
  std::unique_lock lock(mutex_, std::defer_lock);
  while (!lock.try_lock_for(std::chrono::milliseconds(Options::kTickIntervalMs))) {
    if (connection.IsInterrupted() || cancelled_)
      throw Error(ErrorKind::kCancelled, "The query was stopped.");
  }
  return lock;
}

void StageRunner::Reset() {
  std::lock_guard lock(mutex_);
  executor_ = nullptr;
}

StagePlan StageRunner::Plan(Connection& connection, const Statement& query) {
  return PlanStages(connection, parts_.connect, query, parts_.stages);
}

std::shared_ptr<const FinishedJob> StageRunner::Run(Connection& connection, const Statement& query,
                                                    std::string* whole_because) {
  auto start = Clock::now();
  std::optional<StagePlan> plan;
  try {
    plan = Plan(connection, query);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUnsupported) throw;
    if (whole_because) *whole_because = error.what();
    return nullptr;
  }
  return RunPlan(connection, std::move(*plan), SecondsSince(start));
}

std::shared_ptr<const FinishedJob> StageRunner::RunPlan(Connection& connection, StagePlan plan,
                                                        double plan_seconds) {
  auto lock = WaitForTurn(connection);
  auto start = Clock::now();
  // A query runs with the settings that it was planned with, whatever was set since.
  const SettingsRef& settings = connection.settings();
  if (!executor_ || executor_version_ != settings->worker_version()) {
    executor_ = nullptr;  // Its workers end before others begin.
    executor_ = parts_.make_executor(settings);
    executor_version_ = settings->worker_version();
  }
  auto directory = std::make_unique<JobDirectory>(parts_.jobs_folder,
                                                  static_cast<int>(plan.graph.stages.size()));
  WriteJob(plan, *directory);
  JobDirectoryFiles files(*directory);
  JobLog log(directory->log_path());
  Scheduler::Parts parts{
      .executor = *executor_,
      .files = files,
      .make_spec =
          [&](TaskId id, const std::vector<int>& versions) {
            return FormatTaskSpec(SpecOf(plan, id, versions, directory->path()));
          },
      .log = &log,
      .observer =
          [&](const JobProgress& progress) {
            connection.ShowProgress(FractionDone(progress));
            return !connection.IsInterrupted() && !cancelled_;
          },
  };
  Scheduler scheduler(plan.graph, parts_.limits, parts);
  try {
    scheduler.Run();
  } catch (const Error& error) {
    connection.ShowProgress(-1);
    if (!scheduler.ExecutorIsIdle()) executor_ = nullptr;
    // What people can look into is kept; a query that is wrong, or was stopped, tells all itself.
    bool tells_all = error.kind() == ErrorKind::kCancelled ||
                     error.kind() == ErrorKind::kInvalidInput ||
                     error.kind() == ErrorKind::kUnsupported;
    if (!tells_all) throw Error(error.kind(), error.what() + WhereToLook(*directory));
    directory->Remove();
    throw;
  }
  connection.ShowProgress(-1);
  if (!scheduler.ExecutorIsIdle()) executor_ = nullptr;
  JobReport report = ReportOf(plan, scheduler);
  report.plan_seconds = plan_seconds;
  report.run_seconds = SecondsSince(start);
  int last = static_cast<int>(plan.graph.stages.size()) - 1;
  OutputsList outputs = scheduler.Outputs(last);
  return std::make_shared<const FinishedJob>(std::move(directory), std::move(plan),
                                             std::move(outputs), std::move(report));
}

}  // namespace smallpond
