#pragma once

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Makes scans of Parquet files right where those of DuckDB 1.5.5 are not (docs/duckdb_bugs.md):
///
/// * Columns have the types of the first file, and values of others are rounded to them, 2.75 to 3.
///   Here that is an InvalidInput error that names the column and both files, once such a file is
///   opened. Casts that keep the value, or fail where they can't, are made as before.
/// * A filter's constant is rounded to the type of the file, so that `x = 5.4` finds the integer 5.
///   Here it is compared with the converted values.
/// * Bloom filters miss BLOBs that don't print as text, and NaN. Here they are not asked for those.
///
/// Called once for a database, before its first query.
void MendParquetScans(duckdb::DatabaseInstance& database);

}  // namespace smallpond
