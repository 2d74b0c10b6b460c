#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/database.h"

namespace smallpond {

/// Of the folders below `limits.temp_dir` in which workers spill, each in its own.
inline constexpr const char* kWorkerFolderPrefix = "worker";

/// What makes a process a worker of a session.
struct WorkerSetup {
  DatabaseLimits limits;
  std::vector<std::string> prelude;  ///< The session's statements, in order.
};

/// The setup as the JSON that MakeWorker takes.
std::string FormatWorkerSetup(const WorkerSetup& setup);

}  // namespace smallpond
