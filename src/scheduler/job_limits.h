#pragma once

#include <cstdint>

namespace smallpond {

/// What bounds every retry and wait of a job. Together they make every job end: attempts are
/// counted, an attempt that is not heard of is given up, and so is waiting for workers.
struct JobLimits {
  /// Attempts of a task that may fail for a reason that another try can mend (Io, Unavailable, a
  /// lost worker), the last one included. Also how often its output may be lost.
  int max_task_attempts = 4;
  /// Attempts of a task that may run out of memory, the last one included.
  int max_memory_attempts = 2;
  /// An attempt that is not heard of for this long counts as lost; 0 is never. Executors send
  /// heartbeats at least three times as often; the scheduler sets 0 for one that sends none.
  int64_t lease_ms = 60'000;
  /// Wait before a task is tried again, doubled with each failure of it.
  int64_t retry_delay_ms = 200;
  /// How long a job waits for an executor that can run nothing.
  int64_t no_slots_ms = 300'000;
  /// Attempts in flight, however many slots the executor has.
  int max_running = 100'000;
  /// A job launches at most this many attempts per task, on average, and `extra_attempts` more.
  int attempts_per_task = 4;
  int extra_attempts = 1'000;
};

}  // namespace smallpond
