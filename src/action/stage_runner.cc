#include "action/stage_runner.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "action/input_lists.h"
#include "base/limits.h"
#include "base/standard_errors.h"
#include "duckdb_adapter/connection/read_transaction.h"
#include "duckdb_adapter/fragment/run_fragment.h"
#include "scheduler/job_directory_files.h"
#include "scheduler/job_log.h"
#include "smallpond/error.h"
#include "smallpond/options.h"
#include "storage/files/file_identity.h"
#include "storage/files/file_system.h"
#include "storage/job/checked_text.h"

namespace smallpond {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Writes what the workers read beside the exchange files.
void WriteJob(const StagePlan& plan, const JobDirectory& directory) {
  std::set<std::string> written;
  for (const Stage& stage : plan.graph.stages) {
    const auto& work = plan.work[static_cast<size_t>(stage.id)];
    if (!stage.is_given && written.insert(stage.fragment).second) {
      WriteNew(directory.Opened(directory.FragmentPath(stage.fragment)), work.fragment);
    }
    for (size_t begin = 0; begin < work.scans.size(); begin += kTasksPerScanList) {
      auto first = work.scans.begin() + static_cast<std::ptrdiff_t>(begin);
      auto count = std::min<size_t>(kTasksPerScanList, work.scans.size() - begin);
      std::vector<TaskScans> tasks(first, first + static_cast<std::ptrdiff_t>(count));
      std::string path =
          directory.path() + "/" + ScanListFileName(stage.id, static_cast<int>(begin));
      WriteNew(directory.Opened(path), WithChecksum(FormatScanList(tasks), path));
    }
  }
  if (!plan.files) return;
  std::string path = directory.path() + "/" + FileOutputName(plan.graph.stages.back().id);
  WriteNew(directory.Opened(path), WithChecksum(FormatFileOutput(*plan.files), path));
}

// The files of each task of the last stage, in the order of the tasks.
std::vector<WrittenPart> PartsOf(const Scheduler& scheduler, const OutputsList& outputs) {
  std::vector<WrittenPart> parts;
  for (int task = 0; task < static_cast<int>(outputs.files.size()); ++task) {
    const auto& output = outputs.files[static_cast<size_t>(task)];
    parts.push_back({AttemptFolderName(task, output.attempt),
                     {scheduler.Files(outputs.stage, task), static_cast<int64_t>(output.rows)}});
  }
  return parts;
}

// The tasks whose files for users are not there as they were reported.
std::vector<TaskId> LostFiles(const Scheduler& scheduler, const StagePlan& plan) {
  if (!plan.files) return {};
  OutputsList outputs = scheduler.Outputs(static_cast<int>(plan.graph.stages.size()) - 1);
  std::vector<TaskId> lost;
  auto parts = PartsOf(scheduler, outputs);
  for (size_t task = 0; task < parts.size(); ++task) {
    const std::string folder = plan.files->staging_folder + "/" + parts[task].folder + "/";
    for (const auto& file : parts[task].written.files) {
      FileIdentity now = Identify(folder + file.name + OutputFile::kStagedEnding);
      if (now.inode != 0 && now.bytes == file.bytes) continue;
      lost.push_back({outputs.stage, static_cast<int>(task), outputs.files[task].attempt});
      break;
    }
  }
  return lost;
}

// Until the files that tasks have written for users are there: lost ones are made again.
void RunToTheEnd(Scheduler& scheduler, const StagePlan& plan) {
  scheduler.Run();
  for (auto lost = LostFiles(scheduler, plan); !lost.empty(); lost = LostFiles(scheduler, plan)) {
    scheduler.ReportLost(std::move(lost));
    scheduler.Run();
  }
  scheduler.ReportCommitted();  // What is handed out now stays as it is.
}

// Writes the rows that only this process has, and notes in the graph what they are known by.
void WriteGiven(Connection& connection, StagePlan& plan, const JobDirectory& directory) {
  for (const auto& given : plan.given) {
    Stage& stage = plan.graph.stages[static_cast<size_t>(given.stage)];
    const std::string path = directory.Opened(directory.AttemptPath(given.stage, 0, 0));
    stage.given_file_id = WriteExchangeFile(connection, given.rows, path, stage.output);
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
  return "\nWhat happened is told by '" + directory.log_path() + "', which is kept for up to " +
         std::to_string(JobDirectory::kKeptDays) + " days.";
}

// What people can look into is kept; a query that is wrong, or was stopped, tells all itself.
Error EndedBy(const Error& error, JobDirectory& directory) {
  bool tells_all = error.kind() == ErrorKind::kCancelled ||
                   error.kind() == ErrorKind::kInvalidInput ||
                   error.kind() == ErrorKind::kUnsupported;
  if (!tells_all) return Error(error.kind(), error.what() + WhereToLook(directory));
  directory.Remove();
  return error;
}

// Writes what is there before the job begins.
void WriteInputs(Connection& connection, StagePlan& plan, JobDirectory& directory) {
  try {
    TranslatingStandardErrors([&] {
      WriteJob(plan, directory);
      WriteGiven(connection, plan, directory);
    });
  } catch (const Error& error) {
    connection.ShowProgress(-1);
    throw EndedBy(error, directory);
  }
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
                         OutputsList outputs, JobReport report, std::vector<WrittenPart> parts)
    : directory_(std::move(directory)),
      plan_(std::move(plan)),
      outputs_(std::move(outputs)),
      report_(std::move(report)),
      parts_(std::move(parts)) {
  plan_.work.clear();  // Large, and done.
}

FinishedJob::~FinishedJob() { directory_->Remove(); }

Statement FinishedJob::Result(Connection& connection) const {
  TaskInputs inputs;
  auto& parts = inputs.exchanges[plan_.result_input].parts;
  for (int task = 0; task < static_cast<int>(outputs_.files.size()); ++task) {
    const auto& output = outputs_.files[static_cast<size_t>(task)];
    const std::string path = directory_->AttemptPath(outputs_.stage, task, output.attempt);
    parts.push_back(
        {directory_->Opened(path), 0, 1, outputs_.stage, task, output.attempt, output.file_id});
  }
  return QueryFragment(connection, plan_.result, inputs, plan_.columns);
}

std::unique_lock<std::timed_mutex> StageRunner::WaitForTurn(Connection& connection) {
  std::unique_lock lock(mutex_, std::defer_lock);
  while (!lock.try_lock_for(std::chrono::milliseconds(kTickIntervalMs))) {
    if (connection.IsInterrupted() || cancelled_)
      throw Error(ErrorKind::kCancelled, "The query was stopped.");
  }
  return lock;
}

void StageRunner::Reset() {
  is_stale_ = true;
  EndStaleExecutor();
}

// A job looks here again after its turn. So if one is found running, it finds what was asked for.
void StageRunner::EndStaleExecutor() {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock && is_stale_.exchange(false)) executor_ = nullptr;
}

void StageRunner::Stop() {
  cancelled_ = true;
  is_stale_ = true;
  std::unique_lock lock(mutex_, std::chrono::milliseconds(kStopTimeoutMs));
  if (lock) executor_ = nullptr;
}

// Of an executor that has to be asked. Its errors are none of the query.
StageOptions StageRunner::OptionsNow(Connection& connection) {
  StageOptions options = parts_.stages;
  auto lock = WaitForTurn(connection);
  options.slots = std::max(1, ExecutorFor(connection.settings()).PlannedSlots());
  options.split.at_a_time = options.slots;
  return options;
}

std::optional<StagePlan> StageRunner::Plan(Connection& connection, const MakePlan& make_plan,
                                           std::string* whole_because) {
  ReadTransaction transaction(connection);
  return PlanNow(connection, make_plan, whole_because);
}

std::optional<StagePlan> StageRunner::PlanNow(Connection& connection, const MakePlan& make_plan,
                                              std::string* whole_because) {
  // A query that is not cut waits for no cluster.
  auto plan = PlanWith(connection, make_plan, parts_.stages, whole_because);
  if (!plan || !parts_.asks_for_slots) return plan;
  return PlanWith(connection, make_plan, OptionsNow(connection), whole_because);
}

std::optional<StagePlan> StageRunner::PlanWith(Connection& connection, const MakePlan& make_plan,
                                               const StageOptions& options,
                                               std::string* whole_because) {
  try {
    StagePlanner planner(connection, parts_.connect, options);
    return make_plan(planner);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUnsupported) throw;
    if (whole_because) *whole_because = error.what();
    return std::nullopt;
  }
}

std::shared_ptr<const FinishedJob> StageRunner::Run(Connection& connection,
                                                    const MakePlan& make_plan,
                                                    std::string* whole_because) {
  auto start = Clock::now();
  auto transaction = std::make_unique<ReadTransaction>(connection);
  std::optional<StagePlan> plan = PlanNow(connection, make_plan, whole_because);
  if (!plan) return nullptr;
  return RunPlan(connection, std::move(*plan), std::move(transaction), SecondsSince(start));
}

// Called with the turn. A query runs with the settings that it was planned with, whatever was set
// since.
Executor& StageRunner::ExecutorFor(const SettingsRef& settings) {
  bool is_stale = is_stale_.exchange(false) || executor_version_ != settings->worker_version();
  if (is_stale) executor_ = nullptr;  // Its workers end before others begin.
  if (!executor_) {
    executor_ = parts_.make_executor(settings);
    executor_version_ = settings->worker_version();
  }
  return *executor_;
}

std::shared_ptr<const FinishedJob> StageRunner::RunPlan(
    Connection& connection, StagePlan plan, std::unique_ptr<ReadTransaction> transaction,
    double plan_seconds) {
  struct AfterTurn {
    ~AfterTurn() { runner.EndStaleExecutor(); }
    StageRunner& runner;
  } after_turn{*this};
  auto lock = WaitForTurn(connection);
  auto start = Clock::now();
  ExecutorFor(connection.settings()).BeginJob();
  auto directory = std::make_unique<JobDirectory>(
      parts_.jobs_folder, static_cast<int>(plan.graph.stages.size()), parts_.max_kept_bytes);
  JobLog log(directory->Opened(directory->log_path()));
  WriteInputs(connection, plan, *directory);
  transaction = nullptr;
  int last = static_cast<int>(plan.graph.stages.size()) - 1;
  JobDirectoryFiles files(*directory, plan.files ? last : -1,
                          plan.files ? plan.files->staging_folder : "");
  InputLists input_lists(plan, *directory);
  Scheduler::Parts parts{
      .executor = *executor_,
      .files = files,
      .make_spec =
          [&](TaskId id, const std::vector<int>& versions) {
            int inputs_version = input_lists.VersionOf(id.stage, versions);
            return FormatTaskSpec(
                SpecOf(plan, id, inputs_version, directory->path(), directory->folder_access()));
          },
      .log = &log,
      .observer =
          [&](const JobProgress& progress) {
            connection.ShowProgress(FractionDone(progress));
            return !connection.IsInterrupted() && !cancelled_;
          },
      .job = ++num_jobs_,
  };
  Scheduler scheduler(plan.graph, parts_.limits, parts);
  try {
    TranslatingStandardErrors([&] { RunToTheEnd(scheduler, plan); });
  } catch (const Error& error) {
    connection.ShowProgress(-1);
    if (!scheduler.ExecutorIsIdle()) executor_ = nullptr;
    throw EndedBy(error, *directory);
  }
  connection.ShowProgress(-1);
  if (!scheduler.ExecutorIsIdle()) executor_ = nullptr;
  JobReport report = ReportOf(plan, scheduler);
  report.plan_seconds = plan_seconds;
  report.run_seconds = SecondsSince(start);
  OutputsList outputs = scheduler.Outputs(last);
  auto written = plan.files ? PartsOf(scheduler, outputs) : std::vector<WrittenPart>();
  return std::make_shared<const FinishedJob>(std::move(directory), std::move(plan),
                                             std::move(outputs), std::move(report),
                                             std::move(written));
}

}  // namespace smallpond
