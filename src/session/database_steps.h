#pragma once

#include <optional>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/connection/database.h"
#include "duckdb_adapter/connection/session_settings.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

/// The statements that made a session's database what it is, so that another one can be made like
/// it where DuckDB has given up the first. Rows are not kept: tables in memory are lost. One thread
/// at a time uses it.
class DatabaseSteps {
 public:
  /// Adds a statement that was run with these settings. Of one that makes rows only the table's
  /// name is kept.
  void Add(Statement statement, SettingsRef settings);

  /// Runs the statements that make no rows on a new database, each with the settings of its time.
  void Repeat(Database& database);
  /// Runs what failed then once more. What is attached can't be attached by two databases, and the
  /// one before lives as long as somebody reads from it.
  void RepeatFailed(Database& database);
  bool HasFailed() const { return !failed_.empty(); }
  /// Returns the tables and views in memory that there should be and that are not found.
  std::vector<std::string> Lost(Connection& connection) const;

 private:
  struct Step {
    std::optional<Statement> statement;  // Empty where it makes rows.
    std::string created;                 // The table or view, if it makes one.
    std::string dropped;
    SettingsRef settings;
  };

  static bool Runs(Database& database, const Step& step);

  std::vector<Step> steps_;
  std::vector<size_t> failed_;  // Positions of those that failed when they were repeated.
};

}  // namespace smallpond
