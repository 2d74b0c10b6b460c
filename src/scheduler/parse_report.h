#pragma once

#include <string>
#include <variant>

#include "scheduler/job_event.h"

namespace smallpond {

/// Reads what a worker reported of an attempt:
///
///     {"ok": true, "rows", "bytes", "partitions": [[rows, bytes], …],
///      "wall_ms", "cpu_ms", "peak_memory_bytes", "spilled_bytes"}
///     {"ok": false, "error": {"kind", "message"}, "lost_input": {"stage", "task", "attempt"} |
///     null}
///
/// A report that can't be read is a failure of kind Internal that quotes it; numbers that are
/// missing are 0.
std::variant<TaskResult, TaskFailure> ParseReport(const std::string& report);

}  // namespace smallpond
