#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/sql/schema.h"
#include "smallpond/column.h"

namespace smallpond {

/// The columns as a table's definition would have them: what has no type but NULL is an INTEGER.
std::vector<Column> StoredColumns(const Schema& schema);

/// Returns the query over "{0}", whose columns are `rows`, that gives the columns of files that are
/// there: by name, in their order, cast to their types as INSERT would. A value that changes by it
/// is an error of the run that names the column. "" where there is nothing to change. Throws
/// InvalidInput that names the column where one is lacking or too many, or can't be cast.
std::string SqlToAppend(Connection& connection, const Schema& rows,
                        const std::vector<Column>& there, const std::string& folder);

}  // namespace smallpond
