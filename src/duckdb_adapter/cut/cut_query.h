#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/statement.h"
#include "exchange/exchange_kind.h"

namespace smallpond {

/// Files that a fragment reads. Its tasks share them.
struct FragmentScan {
  int id = 0;                      ///< Names the scan among all of the query.
  std::string function;            ///< DuckDB's, "read_parquet".
  std::vector<std::string> files;  ///< Without those that DuckDB ruled out by their names.
  /// Whether several tasks may read different rows of one file.
  bool divides_files = false;
};

/// Rows that a fragment reads from another.
struct FragmentInput {
  int id = 0;        ///< Names the input among all of the query.
  int fragment = 0;  ///< The producer.
  ExchangeKind kind = ExchangeKind::kGather;
};

/// One operator of a fragment, for people.
struct FragmentOperator {
  int depth = 0;              ///< Below the root, which has 0.
  std::string text;           ///< A few words, such as "inner join on a = b".
  double estimated_rows = 0;  ///< Less than 0 where DuckDB has none.
};

/// A piece of a query that tasks run, each over its part of the scans and inputs.
struct Fragment {
  std::string bytes;  ///< DuckDB's plan, without any list of files.
  std::vector<FragmentScan> scans;
  std::vector<FragmentInput> inputs;
  /// Whether one task has to read everything. Otherwise any number of tasks may share the rows.
  bool single_task = false;
  /// The last columns are hash keys and not part of the result, as many as this; 0: the output has
  /// one partition.
  int num_keys = 0;
  int num_columns = 0;      ///< Without the keys.
  bool ordered = false;     ///< Whether the order of the rows matters.
  bool determinate = true;  ///< Whether two runs over the same input give the same rows.
  std::vector<FragmentOperator> operators;  ///< What they do, for explain.
  /// What this one task does although its input is spread, and why.
  std::vector<std::string> gathered;
  double estimated_rows = 0;
  double estimated_row_bytes = 0;
};

/// A query cut into fragments, producers before consumers.
struct CutQuery {
  std::vector<Fragment> fragments;  ///< The last one's output is the result.
  std::string result;               ///< The plan that reads the result, as bytes.
  int result_input = 0;             ///< The id of that plan's one input.
  std::vector<std::string> columns;
};

/// What decides where a query is cut.
struct CutOptions {
  /// Whether a scan is large enough for several tasks.
  std::function<bool(const FragmentScan&)> is_divided;
  /// A join's side estimated to be at most this large is sent to every task instead of being
  /// shuffled, where the join allows that.
  double broadcast_bytes = 64e6;
};

/// Binds and optimizes a query with DuckDB and cuts the plan where rows have to change tasks. The
/// connection's database must be one for stages (see RegisterCut). Throws InvalidInput where the
/// query doesn't bind, Unsupported where a part of it can't leave this process; the query then can
/// be run as a whole.
CutQuery CutIntoFragments(Connection& connection, const Statement& query,
                          const CutOptions& options);

}  // namespace smallpond
