#pragma once

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Makes rows come in their order to what goes by it: `first`, `last`, `list`, `string_agg` and
/// DISTINCT ON without an ORDER BY, and common tables that such a one or a LIMIT reads. DuckDB lets
/// every thread add what it has read, so that two runs of one query differ (docs/duckdb_bugs.md).
///
///     list(x)                   list(x)
///     └── scan           →      └── IN_ORDER, through which one thread brings rows
///                                   └── scan
///
/// Rows that have no order, such as a join's, come by all threads as before; with
/// preserve_insertion_order = false all rows do. Nothing is added twice.
void BringRowsInOrder(duckdb::ClientContext& context,
                      duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

/// Takes what that added out of a plan again.
void RemoveInOrder(duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

/// Makes every plan that the database optimizes go through BringRowsInOrder. Once, before the
/// first connection.
void RegisterRowOrderRule(duckdb::DatabaseInstance& database);

}  // namespace smallpond
