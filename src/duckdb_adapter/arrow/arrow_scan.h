#pragma once

#include "duckdb_adapter/sql/statement.h"

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

class ArrowSource;

/// The table function that scans a source.
inline constexpr const char* kArrowScanFunction = "smallpond_arrow_scan";

/// A query for all columns of a source, which must outlive every run of the statement.
Statement ScanArrow(const ArrowSource& source);

/// Makes kArrowScanFunction known to a database.
void RegisterArrowScan(duckdb::DatabaseInstance& database);

}  // namespace smallpond
