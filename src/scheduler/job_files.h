#pragma once

#include "task/outputs_list.h"
#include "task/task_id.h"

namespace smallpond {

/// The files of a job, as far as the scheduler deals with them. Its thread calls them.
class JobFiles {
 public:
  virtual ~JobFiles() = default;

  /// Writes the list of a complete stage's outputs, under a name that was never used. Throws Io.
  virtual void WriteOutputs(const OutputsList& list) = 0;
  /// Removes what an attempt wrote. That there is nothing, or that it can't be removed, is no
  /// error: the job's folder goes with all that is in it.
  virtual void RemoveAttempt(TaskId id) = 0;
};

}  // namespace smallpond
