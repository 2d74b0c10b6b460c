#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "smallpond/error.h"
#include "task/task_id.h"

namespace smallpond {

/// Rows that a task wrote for one partition.
struct PartitionSize {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

/// A file that was written for users.
struct WrittenFile {
  std::string name;                  ///< In the output, such as "day=1/part-00003-1f3a.parquet".
  std::optional<int64_t> rows = {};  ///< Empty where several files of text were written at once.
  uint64_t bytes = 0;
  std::string hash = {};  ///< As HashFile gives it.
};

struct WrittenFiles {
  std::vector<WrittenFile> files;
  int64_t rows = 0;  ///< In all of them.
};

/// What an attempt that ended well did.
struct TaskResult {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  int64_t wall_ms = 0;
  int64_t cpu_ms = 0;
  uint64_t peak_memory_bytes = 0;
  uint64_t spilled_bytes = 0;
  uint64_t file_id = 0;                        ///< Of the exchange file that it wrote.
  std::vector<PartitionSize> partitions = {};  ///< One for each partition of its stage, or none.
  std::vector<WrittenFile> files = {};         ///< Where its stage writes files.
};

/// Why an attempt ended badly.
struct TaskFailure {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;
  /// The attempt whose output was missing or damaged, where that is why.
  std::optional<TaskId> lost_input;
};

/// How an attempt ended, as its worker tells it.
using TaskReport = std::variant<TaskResult, TaskFailure>;

/// The report as JSON:
///
///     {"ok": true, "rows", "bytes", "partitions": [[rows, bytes], …],
///      "files": [[name, rows or null, bytes, hash], …],
///      "wall_ms", "cpu_ms", "peak_memory_bytes", "spilled_bytes", "file_id"}
///     {"ok": false, "error": {"kind", "message"}, "lost_input": {"stage", "task", "attempt"} |
///     null}
///
/// Bytes of a message that are no UTF-8 are replaced.
std::string FormatTaskReport(const TaskReport& report);

/// Reads what FormatTaskReport wrote. A text that can't be read is a failure of kind Internal that
/// quotes it; numbers that are missing are 0.
TaskReport ParseTaskReport(const std::string& text);

}  // namespace smallpond
