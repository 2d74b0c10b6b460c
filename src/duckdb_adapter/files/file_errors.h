#pragma once

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Makes DuckDB's readers of Parquet, CSV and JSON files name the file in every error, and tell a
/// damaged file as an I/O error. By themselves they throw bare exceptions of Thrift and zstd, such
/// as "don't know what type", which say neither. Called once for a database, before its first
/// query.
void NameFilesInErrors(duckdb::DatabaseInstance& database);

}  // namespace smallpond
