#pragma once

#include <string>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/sql/schema.h"
#include "smallpond/options.h"
#include "task/file_output.h"

namespace smallpond {

/// Reads the parts of a COPY statement that follow from a format and a user's options, and checks
/// everything that can be checked before rows are computed. `schema` is that of the files, with the
/// keys of folders. Throws InvalidInput for a column that does not exist, what ReadFormatOptions
/// refuses, keys that leave no column or hide one.
CopyOptions ReadCopyOptions(const std::string& format, const Schema& schema,
                            const WriteOptions& options);

/// Throws InvalidInput where a macro of the session has the name of a function that DuckDB's
/// writers look up by it: they would write what the macro says.
void CheckNoMacroWrites(Connection& connection, const CopyOptions& copy);

}  // namespace smallpond
