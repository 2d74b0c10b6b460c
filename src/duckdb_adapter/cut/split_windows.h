#pragma once

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Whether a window is an aggregate of all rows, the same for each of them: `sum(x) OVER ()`.
bool IsTotal(const duckdb::BoundWindowExpression& window);

/// Returns the aggregate that a window computes of its frames.
duckdb::unique_ptr<duckdb::Expression> AggregateOf(const duckdb::BoundWindowExpression& window);

/// Whether SplitWindows can split a window, as one that is sorted or one of all rows.
bool CanSplit(const duckdb::BoundWindowExpression& window);

/// What the windows of an operator come from where their rows lie in ranges of what they are sorted
/// by, and each task has some of these, one after the other: windows over the rows of a task, and
/// what there is in the ranges before, or in all.
///
///     row_number() OVER (ORDER BY k)   =   row_number() OVER (ORDER BY k) of the task
///                                          + count(*) of the ranges before its first one
///
/// Columns are those of tables that the caller makes: of the parts, with the number of the range
/// first, of the facts, as well, and of the task's windows.
struct SplitWindows {
  using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

  SplitWindows(duckdb::ClientContext& client_context, duckdb::Binder& binder);

  /// Adds a window for which CanSplit holds.
  void Add(const duckdb::BoundWindowExpression& window);
  /// Returns the number of the task's first range, a column of the task's windows, from that of
  /// each row.
  duckdb::unique_ptr<duckdb::Expression> AddFirstRange(
      duckdb::unique_ptr<duckdb::Expression> range,
      const duckdb::vector<duckdb::BoundOrderByNode>& orders);

  duckdb::ClientContext& context;
  const duckdb::idx_t task_index;
  const duckdb::idx_t parts_index;
  const duckdb::idx_t facts_index;
  Expressions of_task;  ///< Windows over a task's rows.
  Expressions parts;    ///< Aggregates of each range.
  Expressions facts;    ///< Windows over the parts.
  Expressions results;  ///< Of each window that was added, over the others' columns.
};

}  // namespace smallpond
