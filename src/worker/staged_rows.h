#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"

namespace smallpond {

/// Returns how many rows the Parquet files that `patterns` match hold, by their footers.
/// `encryption` is the configuration as SQL that they were written with, or "". Throws Io where one
/// can't be read.
int64_t CountParquetRows(Connection& connection, const std::vector<std::string>& patterns,
                         const std::string& encryption);

}  // namespace smallpond
