#pragma once

#include <memory>
#include <string>

#include "task/task_spec.h"

namespace smallpond {

/// Faults that a test asks of workers, so that they come at a place and not by chance. For tests
/// alone: a worker looks for them where the variable SMALLPOND_TEST_FAULTS names a folder.
///
/// A file of that folder named STAGE.TASK.ATTEMPT.FAULT asks for one fault, whose first worker to
/// come there removes the file and does it:
///
///     kill-at-start    the process kills itself before it reads anything
///     kill-in-middle   … leaving half of its file, as if killed while it wrote
///     kill-at-end      … when its file is whole, and nobody was told
///     flip-file        a file of the job's folder that the task reads gets a wrong byte: the one
///                      that the fault's file names, or "fragment"
///     break            the worker's database fails for good, as by an internal error of DuckDB
///     extra            a file lies beside the ones that were written, and is not reported
///     flip, cut, drop  the file that was written gets a wrong byte, loses its half, or is removed,
///                      and the attempt is reported as if nothing had happened
///
/// Every attempt adds a line "STAGE TASK ATTEMPT" to the folder's file `attempts`.
class TestFaults {
 public:
  /// Returns null where the variable is not set.
  static std::unique_ptr<TestFaults> FromEnvironment();
  explicit TestFaults(std::string folder) : folder_(std::move(folder)) {}

  /// To be called when an attempt begins, and when it has written its file, or the first of several
  /// that it writes for users.
  void AtStart(const TaskSpec& spec) const;
  bool BreaksDatabase(TaskId id) const { return Take(id, "break"); }
  void AtEnd(TaskId id, const std::string& path) const;

 private:
  std::string PathOf(TaskId id, const std::string& fault) const;
  bool Take(TaskId id, const std::string& fault) const;

  const std::string folder_;
};

}  // namespace smallpond
