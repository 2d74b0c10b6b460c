#pragma once

#include "duckdb_adapter/cut/split_aggregates.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Whether a result over all rows is best computed from the values and how often each is there, as
/// a mode, or a median of what is no floating-point number.
bool GoesByCounts(const duckdb::BoundAggregateExpression& aggregate);
/// Whether every result of an aggregate can, from those of the same values.
bool GoesByCounts(const duckdb::LogicalAggregate& aggregate);

/// Splits an aggregate over all rows for which GoesByCounts holds; its child goes to the partial
/// one.
///
///     MEDIAN(x), MODE(x)        merge: smallpond_repeat(n, x) as MEDIAN and as MODE
///     └── rows              →   └── partial: COUNT(*) n BY x
SplitAggregate SplitByCounts(duckdb::ClientContext& context, duckdb::Binder& binder,
                             duckdb::LogicalAggregate& aggregate);

}  // namespace smallpond
