#pragma once

#include "duckdb_adapter/duckdb_internal.h"
#include "smallpond/value.h"

namespace smallpond {

/// Returns DuckDB's value for ours. Throws DuckDB's error where a typed text can't be read as its
/// type.
duckdb::Value ToDuckDB(const Value& value);

}  // namespace smallpond
