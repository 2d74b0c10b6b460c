#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "duckdb_adapter/connection/database.h"
#include "duckdb_adapter/connection/session_settings.h"
#include "duckdb_adapter/sql/schema.h"
#include "duckdb_adapter/sql/statement.h"
#include "smallpond/error.h"

struct ArrowArrayStream;

namespace smallpond {

/// What a COPY wrote.
struct CopyResult {
  struct File {
    std::string path;
    std::optional<int64_t> rows = {};  ///< Empty where RETURN_FILES does not tell.
  };
  int64_t rows = 0;
  std::vector<File> files;
};

/// One connection: runs one statement at a time. Keeps its database alive. One thread at a time may
/// use it; Interrupt and ProgressFraction may be called from any other meanwhile. Every method
/// throws smallpond::Error.
class Connection {
 public:
  struct Handle;  // connection_handle.h

  /// With `settings`, those of a session.
  explicit Connection(Database& database, SettingsRef settings = nullptr);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Resolves every name and type of a query, without running it (but for what a PIVOT without an
  /// IN list has to see).
  Schema Bind(const Statement& query);
  /// Statement::ParseQuery by the session's settings.
  Statement ParseQuery(const std::string& sql);
  /// Finds the table or view of the session's catalog that SQL finds under the bare name.
  std::optional<TableLocation> FindTable(const std::string& name);

  /// Whether a macro of the session is what SQL finds under the bare name of a function of
  /// DuckDB's.
  bool HasMacroFor(const std::string& function);

  /// Whether the session's settings let its queries open a file.
  bool MayOpen(const std::string& path);
  /// Returns the local files that match a pattern, sorted.
  std::vector<std::string> Glob(const std::string& pattern);

  /// Runs a statement and drops its rows.
  void Run(Statement statement);
  /// Runs a query and returns its single value; NULL and no rows are 0.
  int64_t QueryInt64(Statement query);
  /// Runs a query of a text and a number and returns its rows.
  std::vector<std::pair<std::string, int64_t>> QueryCounts(Statement query);
  /// Runs a COPY to files that has one of the options RETURN_STATS and RETURN_FILES, and returns
  /// what it wrote.
  CopyResult RunCopy(Statement copy);
  /// Runs a query with all threads and hands out its rows, which are in memory then.
  void Collect(Statement query, ArrowArrayStream* out);
  /// What to say below a table that does not show all rows.
  using MoreText = std::function<std::string()>;
  /// Runs a query and renders up to `max_rows` of its rows, `width` characters wide. `limit` is the
  /// query's own LIMIT: where the result reaches it, its first rows are shown and `more` below.
  std::string RenderText(Statement query, int max_rows, int width, int limit, const MoreText& more);
  /// Runs a query and renders its first `max_rows` rows as an HTML table, with all text escaped,
  /// and `more` below where there are more.
  std::string RenderHtml(Statement query, int max_rows, const MoreText& more);
  /// How DuckDB tells its plan.
  struct PlanForm {
    bool analyze = false;  ///< Runs the query and adds what its operators did.
    bool json = false;     ///< Instead of boxes. A query that holds credentials always gives JSON.
  };
  /// Returns DuckDB's optimized plan as text.
  std::string ExplainPlan(Statement query, PlanForm form);
  std::string ExplainPlan(Statement query) { return ExplainPlan(std::move(query), PlanForm()); }

  /// What the database that this connects to holds now. Any thread may call it, also while a
  /// statement runs.
  struct MemoryUse {
    uint64_t memory_bytes = 0;
    uint64_t spilled_bytes = 0;  ///< In its temporary files.
  };
  MemoryUse Use();

  /// Whether the database has failed for good, so that every statement fails: DuckDB gives up after
  /// an internal error of its own. Any thread may call it.
  bool IsBroken();
  /// Makes the database fail for good, as such an error does. For tests.
  void Break();

  /// Stops what runs; it then throws Cancelled. Stays in force until the next statement starts.
  void Interrupt();
  bool IsInterrupted();
  /// 0 to 1, or -1 where DuckDB can't tell.
  double ProgressFraction();
  /// Makes ProgressFraction tell this, while something else than a statement is done for the
  /// connection; -1 ends that.
  void ShowProgress(double fraction) { shown_progress_ = fraction; }

  /// Sets a variable of this connection, and of the workers that compute for it, to a constant as
  /// SQL: what no file of a job may hold.
  void SetForWorkers(const std::string& variable, const std::string& value);

  Handle& handle() { return *handle_; }
  /// What it was opened with, and what was set for workers since; never null.
  const SettingsRef& settings() const { return settings_; }

 private:
  SettingsRef settings_;
  std::unique_ptr<Handle> handle_;
  std::atomic<double> shown_progress_{-1};
};

}  // namespace smallpond
