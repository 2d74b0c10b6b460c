#pragma once

#include "smallpond/options.h"

namespace smallpond {

/// The workers that a session's options ask for on this machine. What a cluster's nodes have is
/// known to its executor alone (Executor::PlannedSlots).
struct WorkerLayout {
  int num_workers = 1;
  int threads_per_worker = 1;  ///< Also the tasks that a worker runs at a time.

  int tasks_at_a_time() const { return num_workers * threads_per_worker; }
};

/// `options` have every default filled in. Worker processes share the session's threads, with one
/// each at least; on the other roads this process is the one worker.
WorkerLayout WorkerLayoutOf(const Options& options);

}  // namespace smallpond
