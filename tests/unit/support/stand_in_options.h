#pragma once

#include <string>

#include "executor/process_executor.h"

namespace smallpond {

/// Worker processes that run stand_in_worker's tasks.
inline ProcessExecutorOptions StandInOptions(int num_workers = 1, int slots_per_worker = 1) {
  ProcessExecutorOptions options;
  options.command = {STAND_IN_WORKER};
  options.num_workers = num_workers;
  options.slots_per_worker = slots_per_worker;
  return options;
}

}  // namespace smallpond
