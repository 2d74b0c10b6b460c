#pragma once

#include <nanobind/nanobind.h>

namespace smallpond {

/// Adds what executors and worker processes are made of: TaskId, TaskLaunch, TaskEvent, Executor
/// (which Python may implement), ProcessExecutor, TaskWorker and run_worker.
void DefineExecutors(nanobind::module_& m);

}  // namespace smallpond
