#pragma once

#include <cstdint>
#include <string>

#include "storage/files/file_system.h"
#include "task/task_id.h"

namespace smallpond {

/// One line of a job's log. What is empty or negative is left out.
struct JobLogLine {
  std::string event;      ///< Such as "launched", "finished", "failed", "stage complete".
  std::string time = {};  ///< When, ISO 8601 in UTC. The writer fills it in.
  int stage = -1;
  int task = -1;
  int attempt = -1;
  int version = -1;
  int64_t rows = -1;
  int64_t bytes = -1;
  int64_t ms = -1;
  std::string kind = {};  ///< Of an error.
  std::string message = {};

  /// A line about an attempt.
  static JobLogLine Of(std::string event, TaskId id);
};

/// The log of a job, `JOB/events.jsonl`: one JSON object a line, for people and for a later resume.
/// All lines but the last survive a crash of this process. One thread uses it.
class JobLog {
 public:
  /// Opens the file to add to it. Throws Io.
  explicit JobLog(const std::string& path) : file_(path) {}

  /// Adds a line. Throws Io.
  void Write(JobLogLine line);

 private:
  AppendedFile file_;
};

}  // namespace smallpond
