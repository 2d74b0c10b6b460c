#pragma once

#include <memory>
#include <string>

#include "duckdb_adapter/connection.h"
#include "executor/direct_run.h"
#include "plan/logical_plan.h"
#include "smallpond/options.h"
#include "storage/output_committer.h"

namespace smallpond {

/// Prepares to write the plan's rows into the folder `path` (absolute) as "parquet", "csv" or
/// "json". Returns null where the mode asks to leave the folder as it is. Throws InvalidInput or
/// Unsupported for options and folders that can't be written so, Io.
std::unique_ptr<OutputCommitter> BeginFolder(const PlanRef& plan, const std::string& path,
                                             const std::string& format, const WriteOptions& options,
                                             const std::string& job_id);

/// Computes the plan's rows and stages their files, instead of what was staged before: one file a
/// partition unless the options say otherwise. Partitions without rows get no file; where no row is
/// left at all, one file tells the columns. Returns whether there were rows. Nothing shows in the
/// folder before the committer commits. Throws InvalidInput, Io.
bool StageFolder(Connection& connection, DirectRun& run, const PlanRef& plan,
                 OutputCommitter& committer, const std::string& format,
                 const WriteOptions& options);

}  // namespace smallpond
