#pragma once

#include <string>

#include "duckdb_adapter/connection.h"
#include "executor/direct_run.h"
#include "plan/logical_plan.h"
#include "smallpond/options.h"

namespace smallpond {

/// Writes the plan's rows into the folder `path` (absolute) as "parquet", "csv" or "json", one file
/// a partition unless the options say otherwise. Partitions without rows get no file; where no row
/// is left at all, one file tells the columns. The folder shows all of it or nothing
/// (storage/output_committer.h). Throws InvalidInput, Io, Unavailable.
WriteResult WriteFolder(Connection& connection, DirectRun& run, const PlanRef& plan,
                        const std::string& path, const std::string& format,
                        const WriteOptions& options, const std::string& job_id);

}  // namespace smallpond
