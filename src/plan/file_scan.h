#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/sql/statement.h"
#include "smallpond/value.h"
#include "storage/files/file_identity.h"

namespace smallpond {

/// What a reader was asked to read.
struct FileScan {
  std::string function;              ///< DuckDB's, "read_parquet"
  std::vector<std::string> paths;    ///< Absolute files, globs and folders, or remote ones.
  std::vector<std::string> endings;  ///< Of the files that a folder stands for.
  bool recursive = false;
  std::vector<std::string> columns;  ///< Empty: all.
  std::vector<std::pair<std::string, Value>> options;
};

/// The files that a scan means right now, and the query that reads them.
struct ResolvedScan {
  Statement query;
  /// What the query reads: local files, and remote places as they were given.
  std::vector<std::string> paths;
  std::vector<FileIdentity> files;  ///< Without remote ones.
  /// What the scan's folders hold and is not read: files, and folders with a "/" behind.
  std::vector<std::string> unread;
};

/// Lists the files of a scan: folders and globs anew each time, of a folder that smallpond writes
/// exactly one committed version. Throws Io where nothing matches, InvalidInput for bad options.
ResolvedScan ResolveScan(Connection& connection, FileScan scan);

}  // namespace smallpond
