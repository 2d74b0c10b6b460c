#pragma once

#include <string>
#include <vector>

#include "duckdb/common/multi_file/multi_file_states.hpp"
#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/fragment/task_inputs.h"

namespace smallpond {

/// Whether tasks can share a bound scan of CSV files. Not where rejected rows are kept: they go to
/// tables of the connection that reads.
bool CanFreezeCsv(const duckdb::MultiFileBindData& scan);

/// Returns what DuckDB found out about the CSV files of a bound scan, as bytes: the dialect, the
/// columns that all files must have, and, of files that are united by name, the dialect and the
/// columns of each.
std::string FreezeCsv(const duckdb::MultiFileBindData& scan);

/// Makes `scan` one that reads `files` as the frozen scan would have read them. Opens no file.
void ThawCsv(const std::string& frozen, const std::vector<ScanPart>& files,
             duckdb::ClientContext& context, duckdb::MultiFileBindData& scan);

}  // namespace smallpond
