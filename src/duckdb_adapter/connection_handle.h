#pragma once

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

struct Connection::Handle {
  explicit Handle(duckdb::DuckDB& database) : connection(database) {}

  duckdb::ClientContext& context() { return *connection.context; }

  /// Runs what the statement needs first, then the statement itself. Throws ours.
  duckdb::unique_ptr<duckdb::QueryResult> Run(Statement statement, bool allow_streaming = false);
  void RunPreparation(Statement& statement);

  duckdb::Connection connection;
};

}  // namespace smallpond
