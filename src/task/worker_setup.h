#pragma once

#include <string>

#include "duckdb_adapter/database.h"

namespace smallpond {

/// Of the folders below `limits.temp_dir` in which workers spill, each in its own.
inline constexpr const char* kWorkerFolderPrefix = "worker";

/// What makes a process a worker of a session.
struct WorkerSetup {
  DatabaseLimits limits;
  std::string settings;  ///< The session's, as SessionSettings::ForWorkers gives them.
};

/// The setup as the JSON that MakeWorker takes. It may hold secrets: it goes through a socket, and
/// into no file.
std::string FormatWorkerSetup(const WorkerSetup& setup);

}  // namespace smallpond
