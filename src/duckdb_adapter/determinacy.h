#pragma once

#include <string>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Returns the construct by which two runs of `op` over the same rows may give other rows, such as
/// "random()" or "LIMIT", or "" where there is none. Looks at `op` alone, not below it.
///
/// Windows and aggregates that depend on an order count as determinate: a bound plan doesn't tell
/// whether the order is total.
std::string IndeterminatePart(duckdb::LogicalOperator& op);

/// Whether two runs of a plan over the same rows give the same rows: no operator of it has an
/// indeterminate part.
bool IsDeterminate(duckdb::LogicalOperator& plan);

}  // namespace smallpond
