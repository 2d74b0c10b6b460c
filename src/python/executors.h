#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>

namespace smallpond {

class Executor;

/// Adds what executors and worker processes are made of: TaskId, TaskLaunch, TaskEvent, Executor
/// (which Python may implement), ProcessExecutor, TaskWorker and run_worker.
void DefineExecutors(nanobind::module_& m);

/// Makes an executor by calling `make(setup)` in Python. Whoever holds it keeps the Python object;
/// where that has a method close, it is called at the end.
std::shared_ptr<Executor> MakePythonExecutor(const nanobind::object& make,
                                             const std::string& setup);

}  // namespace smallpond
