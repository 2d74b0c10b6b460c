#pragma once

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Makes reading a gzip or zstd file that was cut off an I/O error. DuckDB takes the end of such a
/// file for the end of its rows. Called once for a database, before its first query.
void RefuseTruncatedFiles(duckdb::DatabaseInstance& database);

}  // namespace smallpond
