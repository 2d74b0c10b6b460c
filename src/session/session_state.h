#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/database.h"
#include "duckdb_adapter/session_settings.h"
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
  Database& database() { return *database_; }
  /// Small results of earlier actions.
  ResultCache& kept() { return kept_; }
  /// Opens a connection that has the settings of the session as they are now.
  std::unique_ptr<Connection> Connect();
  /// Changes the settings to those that `change` returns. It gets a connection with the ones before
  /// it; changes by several threads come one after the other.
  void ChangeSettings(const std::function<SettingsRef(Connection&)>& change);

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
  std::shared_ptr<Executor> StartExecutor(const SettingsRef& settings);
  WorkerSetup SetupOfWorkers(const SessionSettings& settings) const;

  Options options_;  // With every default filled in.
  std::unique_ptr<Database> database_;
  ResultCache kept_;
  std::mutex change_mutex_;  // Held by who changes the settings.
  std::mutex mutex_;         // Guards settings_.
  SettingsRef settings_ = SessionSettings::None();
  MakeExecutor make_executor_;
  std::unique_ptr<StageRunner> stages_;
};

}  // namespace smallpond
