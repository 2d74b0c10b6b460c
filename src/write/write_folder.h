#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "action/plan_run.h"
#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/sql/schema.h"
#include "plan/logical_plan.h"
#include "smallpond/options.h"
#include "storage/output/output_committer.h"
#include "task/file_output.h"

namespace smallpond {

/// A folder that is about to be written.
struct FolderTarget {
  std::unique_ptr<OutputCommitter> committer;
  FileOutput files;      ///< How rows become files of it.
  std::string cast_sql;  ///< Over the plan's rows as the format holds them, as "{0}"; "" for those.
};

/// What a write has staged.
struct StagedFolder {
  std::vector<OutputFile> files;
  int64_t num_rows = 0;
};

/// Prepares to write the plan's rows into the folder `path` (absolute) as "parquet", "csv" or
/// "json". Returns nothing where the mode asks to leave the folder as it is. Throws InvalidInput or
/// Unsupported for options and folders that can't be written so, and for rows that can't be
/// appended to those that are there; Io.
std::optional<FolderTarget> BeginFolder(Connection& connection, const PlanRef& plan,
                                        const std::string& path, const std::string& format,
                                        const WriteOptions& options, const std::string& job_id);

/// Computes the plan's rows and stages their files, instead of what was staged before: one file a
/// partition unless the options say otherwise; where tasks compute a plan of one partition, one
/// file a task. Partitions without rows get no file; where no row is left at all, one file tells
/// the columns. The files are on the disk when it returns, and nothing shows in the folder before
/// the committer commits. Throws InvalidInput, and Io, also where the files don't hold what was
/// computed.
StagedFolder StageFolder(Connection& connection, PlanRun& run, const PlanRef& plan,
                         const FolderTarget& target);

}  // namespace smallpond
