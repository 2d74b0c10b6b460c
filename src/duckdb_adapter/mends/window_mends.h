#pragma once

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Makes queries for the first rows of windows, `row_number() OVER (…) <= n`, right where DuckDB
/// 1.5.5's rewrite of them into aggregates is not (docs/duckdb_bugs.md): without PARTITION BY it
/// makes a row of NULLs of no rows, it takes NaN for small, loses rows whose ORDER BY expression is
/// NULL, and does not know row_number's own ORDER BY. Such windows are sorted instead. It is kept
/// where it is right, since it is four times as fast there.
///
/// Called once for a database, before its first query.
void MendFirstRowsOfWindows(duckdb::DatabaseInstance& database);

}  // namespace smallpond
