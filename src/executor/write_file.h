#pragma once

#include <string>

#include "duckdb_adapter/connection.h"
#include "executor/direct_run.h"
#include "plan/logical_plan.h"

namespace smallpond {

/// Writes the plan's rows to the file `path` (absolute), as DataFrame::WriteFile says.
void WriteFile(Connection& connection, DirectRun& run, const PlanRef& plan, const std::string& path,
               const std::string& format);

}  // namespace smallpond
