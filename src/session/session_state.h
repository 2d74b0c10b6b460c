#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/database.h"
#include "executor/result_cache.h"
#include "executor/stage_runner.h"
#include "smallpond/options.h"
#include "task/worker_setup.h"

namespace smallpond {

/// What a session and its frames share. Any thread may use it.
class SessionState {
 public:
  explicit SessionState(const Options& options);
  ~SessionState();

  const Options& options() const { return options_; }
  /// One line for people.
  std::string ToString() const;
  Database& database() { return *database_; }
  /// Small results of earlier actions.
  ResultCache& kept() { return kept_; }
  /// Opens a connection that has the settings of the session.
  std::unique_ptr<Connection> Connect();
  /// Makes a statement that was run once a part of every later connection.
  void AddToPrelude(Statement statement);
  /// Makes a statement a part of what workers run when they start; nothing where it is empty.
  void AddToWorkers(const std::string& sql);

  /// Runs queries in stages; null on the direct road.
  StageRunner* stages() { return stages_.get(); }
  /// Ends the workers when the job that uses them has ended, and removes what dead ones left. With
  /// `for_good` that job is cancelled, and so is every later one.
  void StopWorkers(bool for_good);
  /// Makes an executor from the setup of its workers. Set before the first action.
  using MakeExecutor = std::function<std::shared_ptr<Executor>(const std::string& setup)>;
  void SetMakeExecutor(MakeExecutor make_executor) { make_executor_ = std::move(make_executor); }

 private:
  std::unique_ptr<StageRunner> MakeStages();
  std::shared_ptr<Executor> StartExecutor();
  WorkerSetup SetupOfWorkers();

  Options options_;  // With every default filled in.
  std::unique_ptr<Database> database_;
  ResultCache kept_;
  std::mutex mutex_;                         // Guards both preludes.
  std::vector<Statement> prelude_;           // Statements that set up a connection, in order.
  std::vector<std::string> worker_prelude_;  // Those that set up a worker.
  MakeExecutor make_executor_;
  std::unique_ptr<StageRunner> stages_;
};

}  // namespace smallpond
