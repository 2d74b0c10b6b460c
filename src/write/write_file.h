#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "action/plan_run.h"
#include "duckdb_adapter/connection/connection.h"
#include "plan/logical_plan.h"
#include "smallpond/options.h"
#include "storage/output/output_file.h"

namespace smallpond {

/// Whether rows that are written as `format` to `path` (absolute) become one file: the name ends as
/// such files do (".parquet", ".csv", ".csv.gz", ".jsonl" …, in any letter case), no folder of that
/// name is there, and nothing asks for several files: partitions of the plan, `partition_by` or
/// `file_size_bytes`.
bool IsOneFile(const std::string& path, const std::string& format, const LogicalPlan& plan,
               const WriteOptions& options);

/// A file that appears whole under its name, or not at all. A device, such as /dev/stdout, is
/// written as rows come.
class FileWrite {
 public:
  /// Throws InvalidInput or Unsupported where `path` (absolute) can't be written so: other options
  /// than the format has, a compression that is not the name's, appending to a file, and, where
  /// WriteMode::kError asks for none, a file that is there.
  FileWrite(const std::string& path, const std::string& format, const WriteOptions& options,
            const PlanRef& plan);
  FileWrite(const FileWrite&) = delete;
  FileWrite& operator=(const FileWrite&) = delete;

  /// Whether WriteMode::kIgnore leaves everything as it is.
  bool has_nothing_to_do() const;
  /// Whether the rows can be computed anew: none of them has left.
  bool can_run_again() const { return file_ != nullptr; }
  /// Computes the plan's rows. Throws InvalidInput, Io.
  void Stage(Connection& connection, PlanRun& run);
  /// Shows the file, instead of one that is there, as WriteOptions::mode says. Throws Io, and
  /// InvalidInput where the mode is kError and somebody wrote one meanwhile.
  WriteResult Commit();

 private:
  std::string path_;
  std::string format_;
  WriteOptions options_;
  PlanRef plan_;
  std::unique_ptr<OutputFileCommitter> file_;  // Null for a device.
  int64_t num_rows_ = 0;
};

}  // namespace smallpond
