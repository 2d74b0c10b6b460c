#pragma once

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Makes ASOF joins pass over NULL, which is no moment and equals nothing. DuckDB 1.5.5's sort
/// takes it for the last of all moments, and of several equalities it looks for NULL in the first
/// one alone (docs/duckdb_bugs.md); only where the left side is estimated to be so small that it
/// plans a loop is it right. So rows with NULL are filtered where an inner join loses them anyway;
/// elsewhere a further equality, the first, keeps them from all others:
///
///     l ASOF LEFT JOIN r ON l.t >= r.t   →   … ON (l.t IS NULL) = (r.t <> r.t) AND l.t >= r.t
///
/// Called once for a database, before its first query.
void MendAsofJoins(duckdb::DatabaseInstance& database);

}  // namespace smallpond
