#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/database.h"

namespace smallpond {

/// What makes a process a worker of a session.
struct WorkerSetup {
  DatabaseLimits limits;  ///< Workers spill below `temp_dir`, each to a folder of its own.
  std::vector<std::string> prelude;  ///< The session's statements, in order.
};

/// The setup as the JSON that MakeWorker takes.
std::string FormatWorkerSetup(const WorkerSetup& setup);

}  // namespace smallpond
