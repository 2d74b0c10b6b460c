#pragma once

#include <optional>
#include <string>
#include <vector>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/statement.h"

namespace smallpond {

/// The statements that made a session's database what it is, so that another one can be made like
/// it where DuckDB has given up the first. Rows are not kept: tables in memory are lost. One thread
/// at a time uses it.
class DatabaseSteps {
 public:
  /// Adds a statement that was run. Of one that makes rows only the table's name is kept.
  /// `num_settings` is how many statements of the session's prelude were before it.
  void Add(Statement statement, size_t num_settings);

  /// Runs the statements that make no rows, and those of the prelude between them as they were,
  /// on a new database.
  void Repeat(Connection& connection, const std::vector<Statement>& prelude);
  /// Runs what failed then once more. What is attached can't be attached by two databases, and the
  /// one before lives as long as somebody reads from it.
  void RepeatFailed(Connection& connection);
  bool HasFailed() const { return !failed_.empty(); }
  /// Returns the tables and views in memory that there should be and that are not found.
  std::vector<std::string> Lost(Connection& connection) const;

 private:
  struct Step {
    std::optional<Statement> statement;  // Empty where it makes rows.
    std::string created;                 // The table or view, if it makes one.
    std::string dropped;
    size_t num_settings;
  };

  std::vector<Step> steps_;
  std::vector<Statement> failed_;  // When they were repeated.
};

}  // namespace smallpond
