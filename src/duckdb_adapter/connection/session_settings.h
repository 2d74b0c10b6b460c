#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace duckdb {
class ClientContext;
}

namespace smallpond {

class Connection;
class Database;
class SessionSettings;
class Statement;

/// Shared by a session, its connections and its executors.
using SettingsRef = std::shared_ptr<const SessionSettings>;

/// What the statements of a session have set, as it was after one of them. A new connection gets
/// the effect and no statement runs again: `SET VARIABLE v = random()` keeps its value, and a
/// configuration that is locked locks nobody out. Never changes; any thread may use it.
class SessionSettings {
 public:
  struct State;  // duckdb_adapter/session_settings.cc

  explicit SessionSettings(std::unique_ptr<const State> state);
  ~SessionSettings();

  /// Those of a session that has set nothing.
  static SettingsRef None();

  /// Runs a statement for which ChangesSettings, and returns what connections have after it.
  static SettingsRef RunAndTake(Connection& connection, Statement statement);

  /// Gives a connection a variable whose value, as SQL, is constant, and returns what connections
  /// have after it, those of workers as well, which get no other variables.
  static SettingsRef SetForWorkers(Connection& connection, const std::string& variable,
                                   const std::string& value);

  /// Gives a new connection all that concerns connections: settings, variables, the search path.
  void ApplyTo(duckdb::ClientContext& context) const;

  /// Does on another database what the session's statements have done to the one before: settings,
  /// extensions and secrets. What locks it comes last, when all else is there.
  void PrepareDatabase(Database& database) const;
  void LockDatabase(Database& database) const;

  /// Changes where a worker that was set up before has to be set up anew.
  int64_t worker_version() const;

  /// What workers need of all this: settings, extensions, and secrets in plain text. For a socket,
  /// never for a file.
  std::string ForWorkers() const;

  /// Does in a worker what ForWorkers tells, once for its database, and returns what connections of
  /// the worker have. Throws the error of a statement that does not work here.
  static SettingsRef SetUpWorker(Database& database, const std::string& for_workers);

 private:
  const std::unique_ptr<const State> state_;
};

}  // namespace smallpond
