#pragma once

#include <string>
#include <vector>

#include "exchange/exchange_kind.h"
#include "exchange/exchange_output.h"

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
  /// By hash: whether a task needs all rows with equal keys. Otherwise several tasks may share
  /// those, each with all that they are joined with.
  bool exclusive = false;
};

/// One operator of a fragment, for people.
struct FragmentOperator {
  int depth = 0;              ///< Below the root, which has 0.
  std::string text;           ///< A few words, such as "inner join on a = b".
  double estimated_rows = 0;  ///< Less than 0 where DuckDB has none.
};

/// A piece of a query that tasks run, each over its part of the scans and inputs.
struct Fragment {
  std::string bytes;  ///< DuckDB's plan, without any list of files. Empty where `is_given`.
  /// Whether the rows come from this process, before any task runs.
  bool is_given = false;
  std::vector<FragmentScan> scans;
  std::vector<FragmentInput> inputs;
  /// Whether one task has to read everything. Otherwise any number of tasks may share the rows.
  bool single_task = false;
  ExchangeOutput output;      ///< Into how many partitions the planner decides where by hash.
  bool deterministic = true;  ///< Whether two runs over the same input give the same rows.
  std::vector<FragmentOperator> operators;  ///< What they do, for explain.
  /// What this one task does although its input is spread, and why.
  std::vector<std::string> gathered;
  double estimated_rows = 0;
  double estimated_row_bytes = 0;
};

}  // namespace smallpond
