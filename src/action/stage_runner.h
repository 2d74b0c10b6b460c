#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/session_settings.h"
#include "planner/stage_plan.h"
#include "scheduler/scheduler.h"
#include "scheduler/stage_statistics.h"
#include "storage/job/job_directory.h"
#include "task/executor.h"

namespace smallpond {

/// What a job did, for explain(analyze).
struct JobReport {
  StageGraph graph;
  std::vector<StagePlan::Notes> notes;  ///< By stage.
  std::vector<StageSummary> stages;     ///< One for each stage.
  std::vector<int> attempts;            ///< How many each stage took.
  double plan_seconds = 0;
  double run_seconds = 0;
};

class ReadTransaction;

/// The files that one task has written for users.
struct WrittenPart {
  std::string folder;  ///< Below the staging folder of the output.
  WrittenFiles written;
};

/// A job that has ended well. It keeps the files of its result as long as it lives.
class FinishedJob {
 public:
  FinishedJob(std::unique_ptr<JobDirectory> directory, StagePlan plan, OutputsList outputs,
              JobReport report, std::vector<WrittenPart> parts = {});
  ~FinishedJob();
  FinishedJob(const FinishedJob&) = delete;
  FinishedJob& operator=(const FinishedJob&) = delete;

  /// Returns the query for the rows of the result. It is good until the next one on `connection`
  /// that comes from a job.
  Statement Result(Connection& connection) const;
  /// Of a job that has written files: those that count, in the order of the tasks.
  const std::vector<WrittenPart>& parts() const { return parts_; }
  const JobReport& report() const { return report_; }

 private:
  std::unique_ptr<JobDirectory> directory_;
  StagePlan plan_;
  OutputsList outputs_;
  JobReport report_;
  std::vector<WrittenPart> parts_;
};

/// Runs queries in stages:
///
///     query → StagePlanner → job directory → Scheduler ⇄ Executor → files of the result
///
/// Belongs to a session. Any thread may use it; jobs run one after the other, since they share the
/// executor. One that waits for its turn can be cancelled too.
class StageRunner {
 public:
  struct Parts {
    /// Opens a connection with the session's settings, on a database prepared for stages.
    ScanDivision::Connect connect;
    /// Makes an executor whose workers have these settings. Called before the first job, and again
    /// where a query has others, or after Reset.
    std::function<std::shared_ptr<Executor>(const SettingsRef&)> make_executor;
    std::string jobs_folder;  ///< Every worker sees it.
    /// Of earlier jobs' folders that are kept there. Nothing: JobDirectory::kKeptShare of the disk.
    std::optional<uint64_t> max_kept_bytes = {};
    StageOptions stages = {};
    /// Whether `stages.slots` is a guess, and only an executor knows how many tasks run at a time.
    bool asks_for_slots = false;
    JobLimits limits = {};
  };

  explicit StageRunner(Parts parts) : parts_(std::move(parts)) {}

  /// Plans the stages of a job. It may throw Unsupported where there can be none.
  using MakePlan = std::function<StagePlan(StagePlanner& planner)>;

  /// Plans a job and runs it. `connection`'s interrupt cancels the job; its progress is the job's.
  /// Returns null where there can be no stages, and all has to be run as a whole; `whole_because`,
  /// which may be null, is why then. Throws the job's error. Files that the job writes for users
  /// are on the disk when it returns.
  std::shared_ptr<const FinishedJob> Run(Connection& connection, const MakePlan& make_plan,
                                         std::string* whole_because = nullptr);

  /// Whether a query that reads so much is not to be cut.
  bool RunsWhole(double bytes) const {
    return parts_.stages.whole_bytes > 0 && bytes <= parts_.stages.whole_bytes;
  }

  /// Plans a job without running it. Returns nothing where there can be no stages, as Run does.
  std::optional<StagePlan> Plan(Connection& connection, const MakePlan& make_plan,
                                std::string* whole_because = nullptr);

  /// Makes the next job begin with a new executor. Ends the one that is there, now, or with the job
  /// that runs: that one is not waited for.
  void Reset();
  /// Cancels the job that runs and all later ones: the program ends. Returns when the executor has
  /// ended, or the job has not within kStopTimeoutMs.
  void Stop();

 private:
  std::optional<StagePlan> PlanNow(Connection& connection, const MakePlan& make_plan,
                                   std::string* whole_because);
  std::optional<StagePlan> PlanWith(Connection& connection, const MakePlan& make_plan,
                                    const StageOptions& options, std::string* whole_because);
  // Ends the transaction, in which was planned, when the rows of this process are written.
  std::shared_ptr<const FinishedJob> RunPlan(Connection& connection, StagePlan plan,
                                             std::unique_ptr<ReadTransaction> transaction,
                                             double plan_seconds);
  std::unique_lock<std::timed_mutex> WaitForTurn(Connection& connection);
  StageOptions OptionsNow(Connection& connection);
  Executor& ExecutorFor(const SettingsRef& settings);
  void EndStaleExecutor();

  const Parts parts_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> is_stale_{false};   // Whether the executor has to go.
  std::timed_mutex mutex_;              // Guards executor_, and is held by the job that uses it.
  std::shared_ptr<Executor> executor_;  // Null where the next job has to make it.
  int64_t executor_version_ = 0;        // Of the settings that its workers have.
  int num_jobs_ = 0;
};

}  // namespace smallpond
