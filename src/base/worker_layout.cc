#include "base/worker_layout.h"

#include <algorithm>

namespace smallpond {

WorkerLayout WorkerLayoutOf(const Options& options) {
  int threads = options.threads.value_or(1);
  if (options.executor != ExecutorKind::kProcesses) return {1, threads};
  int workers = std::max(1, options.num_executors);
  return {workers, std::max(1, threads / workers)};
}

}  // namespace smallpond
