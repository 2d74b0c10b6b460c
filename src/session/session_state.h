#pragma once

#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "action/action.h"
#include "action/result_cache.h"
#include "action/stage_runner.h"
#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/connection/database.h"
#include "duckdb_adapter/connection/session_settings.h"
#include "session/database_steps.h"
#include "smallpond/options.h"
#include "smallpond/value.h"
#include "storage/files/process_folder.h"
#include "worker/make_worker.h"

namespace smallpond {

/// What a session and its frames share. Any thread may use it.
class SessionState {
 public:
  /// Opens a session. A process that this one forks can't use it: there Connect throws
  /// InvalidInput, and nothing is ended or removed, for that is the opener's to do.
  static std::shared_ptr<SessionState> Open(const Options& options);

  const Options& options() const { return options_; }
  /// One line for people.
  std::string ToString() const;
  /// What the session's DuckDB may use, and its memory limit in force now.
  DatabaseLimits DatabaseLimitsInForce();
  /// Small results of earlier actions.
  ResultCache& kept() { return kept_; }
  /// Opens a connection that has the settings of the session as they are now. Where DuckDB has
  /// given up its database after an internal error, the session goes on with a new one.
  std::unique_ptr<Connection> Connect();
  /// Changes the settings to those that `change` returns. It gets a connection with the ones before
  /// it; changes by several threads come one after the other.
  void ChangeSettings(const std::function<SettingsRef(Connection&)>& change);
  /// Notes a statement that was run with these settings and has changed the database.
  void AddDatabaseStep(Statement statement, SettingsRef settings);
  /// Returns an error of one of the session's connections with what it means for the session: its
  /// database has failed for good, or what was asked for was lost when one has. Without the values
  /// that were given as credentials (Hide).
  Error Explain(const Error& error);
  /// Hides values in all errors and plans from now on: a frame's query may fail with one, or be
  /// explained, long after it was bound.
  void Hide(std::set<std::string> values);
  /// Returns a text for people without the hidden values and without what is a credential by its
  /// kind.
  std::string WithoutHidden(const std::string& text);

  /// What an action of this session runs with. It must outlive the action.
  Action::Parts PartsOfAction(const Ticker& ticker);
  /// Runs queries in stages; null on the direct road.
  StageRunner* stages() { return stages_.get(); }
  /// Ends the workers, and removes what dead ones left. Does not wait for a job that uses them:
  /// they end with it. With `for_good` that job is cancelled, and so is every later one, and it has
  /// kStopTimeoutMs to end.
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
  std::unique_ptr<Connection> ConnectWith(SettingsRef settings);
  std::unique_ptr<StageRunner> MakeStages();
  std::shared_ptr<Executor> StartExecutor(const SettingsRef& settings);
  WorkerSetup SetupOfWorkers(const SessionSettings& settings) const;

  const pid_t owner_pid_ = getpid();
  Options options_;  // With every default filled in; temp_dir is the session's own folder.
  const std::string spill_root_;
  // Null where it can't be made: nothing spills.
  const std::unique_ptr<ProcessFolder> spill_;
  ResultCache kept_;
  std::mutex change_mutex_;             // Held by who changes the settings.
  std::mutex mutex_;                    // Guards what stands up to settings_.
  std::set<std::string> hidden_;        // Values that nobody is shown.
  std::shared_ptr<Database> database_;  // Shared with who is connecting to it.
  int num_replaced_ = 0;                // How many databases were given up.
  DatabaseSteps steps_;
  std::vector<std::string> lost_tables_;  // Of databases that were given up.
  SettingsRef settings_ = SessionSettings::None();
  MakeExecutor make_executor_;
  std::unique_ptr<StageRunner> stages_;
};

}  // namespace smallpond
