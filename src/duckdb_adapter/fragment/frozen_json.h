#pragma once

#include <string>

#include "duckdb/common/multi_file/multi_file_states.hpp"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Returns what DuckDB found out about the JSON files of a bound scan, as bytes: the keys, their
/// columns' formats, and whether the values are records.
std::string FreezeJson(const duckdb::MultiFileBindData& scan);

/// Makes `scan` one that reads files as the frozen scan would have read them. Opens no file.
void ThawJson(const std::string& frozen, duckdb::ClientContext& context,
              duckdb::MultiFileBindData& scan);

}  // namespace smallpond
