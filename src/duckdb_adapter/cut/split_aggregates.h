#pragma once

#include <optional>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Returns DuckDB's own aggregate of this name.
duckdb::unique_ptr<duckdb::Expression> BindAggregate(
    duckdb::ClientContext& context, const std::string& name,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments);

/// An aggregate in two phases. `partial` has the groups first, then its results; an aggregate by
/// the same groups that computes `merges` over those has the results of the whole.
struct SplitAggregate {
  duckdb::unique_ptr<duckdb::LogicalAggregate> partial;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> merges;
};

bool IsCount(const duckdb::BoundAggregateExpression& aggregate);

/// Whether a result can be computed from those of parts of the rows.
bool CanSplit(const duckdb::BoundAggregateExpression& aggregate);
/// Whether every result of an aggregate can.
bool CanSplit(const duckdb::LogicalAggregate& aggregate);

/// Returns the aggregate that puts the results of parts of the rows together, which are columns:
/// one where the aggregate is a count, a sum, min or max.
duckdb::unique_ptr<duckdb::Expression> MergeParts(
    duckdb::ClientContext& context, const duckdb::BoundAggregateExpression& aggregate,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> parts);

/// Splits an aggregate for which CanSplit holds; its child goes to the partial one.
///
///     SUM(x), AVG(y) BY k          merge: SUM(s), smallpond_merge(a) BY k
///     └── rows              →      └── exchange by k
///                                      └── partial: SUM(x) s, smallpond_state(y) a BY k
SplitAggregate Split(duckdb::ClientContext& context, duckdb::Binder& binder,
                     duckdb::LogicalAggregate& aggregate);

/// Makes two aggregates without DISTINCT of one some of whose results are of DISTINCT values, all
/// of the same arguments: `aggregate` is the outer one then, its child the inner one. Returns false
/// and leaves it as it is where that can't be done.
///
///     COUNT(DISTINCT x), SUM(y) BY k        COUNT(x), SUM(s) BY k
///     └── rows                       →      └── SUM(y) s BY k, x
///                                               └── rows
bool ExpandDistinct(duckdb::ClientContext& context, duckdb::Binder& binder,
                    duckdb::LogicalAggregate& aggregate);

}  // namespace smallpond
