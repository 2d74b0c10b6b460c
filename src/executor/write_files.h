#pragma once

#include <string>

#include "duckdb_adapter/connection.h"
#include "plan/logical_plan.h"

namespace smallpond {

/// Writes the plan's rows into the folder `path` (absolute), one Parquet file a partition, as
/// DataFrame::WriteParquet says.
void WriteParquet(Connection& connection, const PlanRef& plan, const std::string& path);

/// Writes the plan's rows to the file `path` (absolute), as DataFrame::WriteFile says.
void WriteFile(Connection& connection, const PlanRef& plan, const std::string& path,
               const std::string& format);

}  // namespace smallpond
