#pragma once

#include <functional>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/fragment/fragment.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

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
/// connection's database must be one for stages (PrepareForStages). Throws InvalidInput where the
/// query doesn't bind, Unsupported where a part of it can't leave this process; the query then can
/// be run as a whole.
CutQuery CutIntoFragments(Connection& connection, const Statement& query,
                          const CutOptions& options);

}  // namespace smallpond
