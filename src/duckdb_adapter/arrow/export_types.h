#pragma once

#include "duckdb_adapter/sql/schema.h"
#include "duckdb_adapter/sql/statement.h"

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// What holds rows outside of a query. None of them holds every type; docs/types.md has the table.
enum class ExportTarget {
  kArrow,    ///< No 128-bit integer, no time with a zone, no bits: decimals and texts instead.
  kParquet,  ///< No 128-bit integer.
  kTable,    ///< DuckDB's own tables, which need a name for every field.
};

/// Returns the columns with the types that they have in `target`. Throws Unsupported where there is
/// none, which names the column and says what to cast it to.
Schema SchemaIn(ExportTarget target, const Schema& schema);

/// Returns `query`, whose columns are `schema`, with the types of `target`. A value that does not
/// fit becomes an error of the run that names the column.
Statement CastFor(ExportTarget target, Statement query, const Schema& schema);

/// Returns `query`, whose columns are SchemaIn(target, schema), with the types of `schema` again.
Statement CastBack(ExportTarget target, Statement query, const Schema& schema);

/// Returns whether the text of every value of a column is read as that value again, as in a
/// folder's name.
bool ReadsBackFromText(const Schema& schema, int column);

/// Makes the function known that CastFor checks values with.
void RegisterExportCheck(duckdb::DatabaseInstance& database);

}  // namespace smallpond
