#pragma once

#include <memory>
#include <string>

#include "duckdb_adapter/connection.h"
#include "executor/direct_run.h"
#include "plan/logical_plan.h"
#include "storage/process_folder.h"

namespace smallpond {

/// A file that appears whole under its name, or not at all. A device, such as /dev/stdout, is
/// written as rows come.
class FileWrite {
 public:
  /// Throws InvalidInput, Unsupported or Io where `path` (absolute) or the format can't be written.
  FileWrite(const std::string& path, const std::string& format, const PlanRef& plan);
  /// Removes what was not committed.
  ~FileWrite();
  FileWrite(const FileWrite&) = delete;
  FileWrite& operator=(const FileWrite&) = delete;

  /// Whether the rows can be computed anew: none of them has left.
  bool can_run_again() const { return !is_device_; }
  /// Computes the plan's rows. Throws InvalidInput, Io.
  void Stage(Connection& connection, DirectRun& run) const;
  /// Shows the file, instead of one that is there. Throws Io.
  void Commit();

 private:
  std::string path_;
  std::string format_;
  PlanRef plan_;
  bool is_device_;
  std::unique_ptr<ProcessFolder> staging_;  // Null for a device.
  std::string staged_;
};

}  // namespace smallpond
