#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/sql/statement.h"
#include "task/file_output.h"
#include "task/task_report.h"

namespace smallpond {

/// Computes rows and writes them to files of the folder `folder` (absolute), which is there, and
/// nothing else writes to it. The files' names sort as the parts do:
///
///     part-00003-TAG.parquet?writing                part 3
///     part-00003-TAG-00000.parquet?writing          … in files of a size
///     day=2026-11-27/part-00003-TAG-0.csv?writing   … in folders
///
/// Returns the files, by their names without OutputFile::kStagedEnding. Without rows there are
/// none, unless `keep_empty` asks for one file that tells the columns. Throws InvalidInput; Io,
/// also where the files don't hold what was computed. What they hold need not be on the disk yet.
WrittenFiles WriteFiles(Connection& connection, const Statement& rows, const FileOutput& output,
                        const std::string& folder, int part, bool keep_empty = false);

/// Notes the hash of each file that WriteFiles wrote to `folder`. Returns when the disk has them,
/// and the names that lie below the folder. Throws Io.
void SyncWrittenFiles(const std::string& folder, std::vector<WrittenFile>& files);

}  // namespace smallpond
