#pragma once

#include <set>
#include <string>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/sql/statement.h"

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Makes the relative local paths that a statement names absolute, from `folder` on, so that they
/// mean the same files later, when the process is in another folder, and on other machines: what
/// DuckDB's readers, glob() and the like are given, and 'file.csv' as a table, also within views
/// and table macros that the statement makes. Names in `inputs` are tables already. Paths of remote
/// places and of the home folder stay as they are, and so does all where the setting
/// file_search_path says where files are looked for.
void MakePathsAbsolute(Connection& connection, Statement& statement, const std::string& folder,
                       const std::set<std::string>& inputs);

/// Registers what a statement with such paths may call.
void RegisterAbsolutePaths(duckdb::DatabaseInstance& database);

}  // namespace smallpond
