#pragma once

namespace duckdb {
class DatabaseInstance;
}

namespace smallpond {

/// Makes ArrowSource::kScanFunction known to a database.
void RegisterArrowScan(duckdb::DatabaseInstance& database);

}  // namespace smallpond
