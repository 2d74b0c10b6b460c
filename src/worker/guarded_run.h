#pragma once

#include <atomic>
#include <string>

#include "smallpond/error.h"
#include "task/run_task.h"

namespace smallpond {

/// A report that says that the attempt failed with this error.
std::string ErrorReport(ErrorKind kind, const std::string& message);

/// Calls `run_task`. Should it throw against its contract, or return more than a message can hold,
/// the report says so: a broken task must not end the process that runs it.
std::string RunGuarded(const RunTask& run_task, const std::string& spec,
                       const std::atomic<bool>& cancelled);

}  // namespace smallpond
