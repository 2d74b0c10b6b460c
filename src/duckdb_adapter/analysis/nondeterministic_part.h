#pragma once

#include <string>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Returns the construct by which two runs of `op` over the same rows may give other rows by
/// itself, such as "random()" or "LIMIT", or "" where there is none. Looks at `op` alone, not below
/// it, and not at ties: FindDeterminism does both.
std::string NondeterministicPart(duckdb::LogicalOperator& op);

/// Returns the first volatile function that `op` calls, such as "random()", or "".
std::string VolatilePart(duckdb::LogicalOperator& op);

/// Whether `op` takes a sample of its rows, or of those it scans.
bool HasSample(const duckdb::LogicalOperator& op);

/// Whether an expression of `op` may call error(), as where a subquery must have one row.
bool CallsError(const duckdb::LogicalOperator& op);

}  // namespace smallpond
