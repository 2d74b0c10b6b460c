#pragma once

#include <optional>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// An aggregate in two phases. `partial` has the groups first, then its results; `results` are
/// expressions over the groups and results of an aggregate that groups by `partial`'s groups and
/// computes `merges` over `partial`'s results.
struct SplitAggregate {
  duckdb::unique_ptr<duckdb::LogicalAggregate> partial;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> merges;
};

bool IsCount(const duckdb::BoundAggregateExpression& aggregate);

/// Whether every result of an aggregate can be computed from those of parts of its rows.
bool CanSplit(const duckdb::LogicalAggregate& aggregate);

/// Splits an aggregate for which CanSplit holds; its child goes to the partial one.
///
///     SUM(x), AVG(y) BY k          merge: SUM(s), smallpond_merge(a) BY k
///     └── rows              →      └── exchange by k
///                                      └── partial: SUM(x) s, smallpond_state(y) a BY k
SplitAggregate Split(duckdb::ClientContext& context, duckdb::Binder& binder,
                     duckdb::LogicalAggregate& aggregate);

/// For an aggregate some of whose results are of DISTINCT values, all of the same arguments:
/// returns the inner of two aggregates that together compute it without DISTINCT, and makes
/// `aggregate` the outer one. Nothing where that can't be done.
///
///     COUNT(DISTINCT x), SUM(y) BY k        COUNT(x), SUM(s) BY k
///     └── rows                       →      └── SUM(y) s BY k, x
///                                               └── rows
bool ExpandDistinct(duckdb::ClientContext& context, duckdb::Binder& binder,
                    duckdb::LogicalAggregate& aggregate);

}  // namespace smallpond
