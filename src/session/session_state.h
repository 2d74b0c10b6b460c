#pragma once

#include <unistd.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/database.h"
#include "executor/result_cache.h"
#include "executor/stage_runner.h"
#include "session/database_steps.h"
#include "smallpond/options.h"
#include "storage/process_folder.h"
#include "task/worker_setup.h"

namespace smallpond {

/// What a session and its frames share. Any thread may use it.
class SessionState {
 public:
  /// Opens a session. A process that this one forks can't use it: there Connect throws
  /// InvalidInput, and nothing is ended or removed, for that is the opener's to do.
  static std::shared_ptr<SessionState> Open(const Options& options);

  const Options& options() const { return options_; }
  /// What the session's DuckDB may use, and its memory limit in force now.
  DatabaseLimits DatabaseLimitsInForce();
  /// Small results of earlier actions.
  ResultCache& kept() { return kept_; }
  /// Opens a connection that has the settings of the session. Where DuckDB has given up its
  /// database after an internal error, the session goes on with a new one.
  std::unique_ptr<Connection> Connect();
  /// Makes a statement that was run once a part of every later connection.
  void AddToPrelude(Statement statement);
  /// Notes a statement that was run and has changed the database.
  void AddDatabaseStep(Statement statement);
  /// Returns an error of one of the session's connections with what it means for the session: its
  /// database has failed for good, or what was asked for was lost when one has.
  Error Explain(const Error& error);
  /// Makes a statement a part of what workers run when they start; nothing where it is empty.
  void AddToWorkers(const std::string& sql);

  /// Runs queries in stages; null on the direct road.
  StageRunner* stages() { return stages_.get(); }
  /// Ends the workers, and removes what dead ones left. Does not wait for a job that uses them:
  /// they end with it. With `for_good` that job is cancelled, and so is every later one, and it has
  /// Options::kStopTimeoutMs to end.
  void StopWorkers(bool for_good);
  /// Makes an executor from the setup of its workers. Set before the first action.
  using MakeExecutor = std::function<std::shared_ptr<Executor>(const std::string& setup)>;
  void SetMakeExecutor(MakeExecutor make_executor) { make_executor_ = std::move(make_executor); }

 private:
  explicit SessionState(const Options& options);
  ~SessionState();
  bool IsForked() const { return getpid() != owner_pid_; }
  void OpenDatabase();
  void ReplaceDatabase();
  std::unique_ptr<StageRunner> MakeStages();
  std::shared_ptr<Executor> StartExecutor();
  WorkerSetup SetupOfWorkers();

  const pid_t owner_pid_ = getpid();
  Options options_;  // With every default filled in; temp_dir is the session's own folder.
  const std::string spill_root_;
  // Null where it can't be made: nothing spills.
  const std::unique_ptr<ProcessFolder> spill_;
  ResultCache kept_;
  std::mutex mutex_;                    // Guards what stands up to worker_prelude_.
  std::shared_ptr<Database> database_;  // Shared with who is connecting to it.
  int num_replaced_ = 0;                // How many databases were given up.
  DatabaseSteps steps_;
  std::vector<std::string> lost_tables_;     // Of databases that were given up.
  std::vector<Statement> prelude_;           // Statements that set up a connection, in order.
  std::vector<std::string> worker_prelude_;  // Those that set up a worker.
  MakeExecutor make_executor_;
  std::unique_ptr<StageRunner> stages_;
};

}  // namespace smallpond
