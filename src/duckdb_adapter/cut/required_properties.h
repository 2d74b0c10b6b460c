#pragma once

#include <set>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Whether a task that has all rows of one side of a join (0: left, 1: right), and its part of the
/// other, gives its part of the result: the side's own rows must not be in the result by
/// themselves.
bool MayHaveAllOf(duckdb::JoinType type, int side);

/// Goes through a fragment's plan from its root down and finds the scans, by table index, of which
/// a task must have all rows with equal keys: what is grouped, made distinct, or kept by an outer
/// join. The rows of other scans may be split further, as long as what they are joined with comes
/// along. `partial` are operators whose results are merged in another fragment, so that any part of
/// the rows will do.
std::set<duckdb::idx_t> FindExclusiveScans(const duckdb::LogicalOperator& plan,
                                           const std::set<const duckdb::LogicalOperator*>& partial);

}  // namespace smallpond
