#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/sql/schema.h"
#include "storage/output/output_manifest.h"

namespace smallpond {

// Folders key=value. DuckDB's names for them are URL-escaped, and its readers take NULL in any
// letter case and __HIVE_DEFAULT_PARTITION__ for NULL before they unescape. Two texts that look so
// are escaped further here, so that every value comes back as it was.

/// Returns a column's name as folders have it.
std::string FolderKey(const std::string& name);

/// Returns what readers must know of the columns that folders stand for. `is_exported` says that
/// they leave with the types that Parquet holds.
std::vector<PartitionColumn> PartitionColumns(const Schema& schema,
                                              const std::vector<std::string>& names,
                                              bool is_exported);

/// Returns the SQL expression for a row's folder, "key=value/key=value".
std::string FolderSql(const std::vector<PartitionColumn>& columns);

/// Returns a query over "{0}" whose keys DuckDB's own PARTITION_BY never puts into one folder with
/// others; `tag` is text that no value holds.
std::string DistinctFoldersSql(const std::vector<PartitionColumn>& columns, const std::string& tag);

/// Gives the folders that DuckDB made of such keys, below `folder`, the names of FolderSql. Throws
/// Io.
void RenameFolders(const std::string& folder, const std::string& tag);

/// Returns the path of a file in such folders, "key=value/file", as it is after that.
std::string FolderNamesOf(const std::string& path, const std::string& tag);

}  // namespace smallpond
