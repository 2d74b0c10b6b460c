#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/database.h"
#include "executor/result_cache.h"
#include "smallpond/options.h"

namespace smallpond {

/// What a session and its frames share. Any thread may use it.
class SessionState {
 public:
  explicit SessionState(const Options& options);

  const Options& options() const { return options_; }
  Database& database() { return *database_; }
  /// Small results of earlier actions.
  ResultCache& kept() { return kept_; }
  /// Opens a connection that has the settings of the session.
  std::unique_ptr<Connection> Connect();
  /// Makes a statement that was run once a part of every later connection.
  void AddToPrelude(Statement statement);

 private:
  Options options_;  // With every default filled in.
  std::unique_ptr<Database> database_;
  ResultCache kept_;
  std::mutex mutex_;                // Guards prelude_.
  std::vector<Statement> prelude_;  // Statements that set up a connection, in order.
};

}  // namespace smallpond
