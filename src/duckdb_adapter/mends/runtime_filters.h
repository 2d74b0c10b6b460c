#pragma once

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Takes away runtime filters that reach a scan through an operator for which rows count that they
/// remove: DuckDB lets a join tell the scans of its probe side which keys can match, and a top N
/// which values can still win, also below a LIMIT, which then lets other rows through.
///
///     HASH JOIN a = b               the rows with a in b's range
///     ├── LIMIT 50           →      of the first 50, not the first 50
///     │   └── scan a                of the rows in b's range
///     └── scan b
///
/// The filters of all other scans stay.
void KeepRuntimeFiltersAboveLimits(duckdb::LogicalOperator& plan);

/// Makes every plan that the database optimizes go through KeepRuntimeFiltersAboveLimits. Once,
/// before the first connection.
void RegisterRuntimeFilterRule(duckdb::DatabaseInstance& database);

}  // namespace smallpond
