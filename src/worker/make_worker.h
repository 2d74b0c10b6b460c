#pragma once

#include <string>

#include "duckdb_adapter/connection/database.h"
#include "task/run_task.h"

namespace smallpond {

/// What makes a process a worker of a session.
struct WorkerSetup {
  DatabaseLimits limits;  ///< Workers spill below `temp_dir`, each to a folder of its own.
  std::string settings;   ///< The session's, as SessionSettings::ForWorkers gives them.
};

/// The setup as the JSON that MakeWorker takes. It may hold secrets: it goes through a socket, and
/// into no file.
std::string FormatWorkerSetup(const WorkerSetup& setup);

/// Makes a worker with a DuckDB of its own from what FormatWorkerSetup gave.
RunTask MakeWorker(const std::string& setup_json);

}  // namespace smallpond
