#pragma once

#include <map>
#include <optional>
#include <string>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/connection/database_instance.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

struct Connection::Handle {
  static constexpr const char* kDisabledOptimizers = "disabled_optimizers";

  explicit Handle(Database::Instance& database)
      : own_settings(database.own_settings), connection(database.duckdb) {}

  duckdb::ClientContext& context() { return *connection.context; }

  /// Runs what the statement needs first, then the statement itself. Throws ours.
  duckdb::unique_ptr<duckdb::QueryResult> Run(Statement statement, bool allow_streaming = false);
  void RunPreparation(Statement& statement);

  /// Settings of the database that are ours: RESET gives them back, and the rules that are left
  /// out of the optimizer stay so whatever else is disabled.
  const std::map<std::string, duckdb::Value> own_settings;
  duckdb::Connection connection;
  /// Set where statements may turn the optimizer off while they are bound: whether it is on while
  /// they run. DuckDB goes by that in other ways too: without it, a window's aggregates are
  /// computed anew for each row's frame.
  std::optional<bool> runs_optimized;

 private:
  duckdb::unique_ptr<duckdb::QueryResult> RunPlanned(duckdb::unique_ptr<duckdb::SQLStatement> main,
                                                     bool allow_streaming);
};

}  // namespace smallpond
