#pragma once

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

/// The table function by which a statement reads a scan that was planned before. Registered on
/// every database that plans stages.
duckdb::TableFunction GivenScanFunction();

/// Returns the query for the rows of a scan, by the name `id`. It is good for one run on this
/// connection, in the transaction in which the scan was planned.
Statement QueryGivenScan(Connection& connection, int id,
                         duckdb::unique_ptr<duckdb::LogicalOperator> scan);

}  // namespace smallpond
