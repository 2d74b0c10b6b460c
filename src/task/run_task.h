#pragma once

#include <atomic>
#include <functional>
#include <string>

namespace smallpond {

/// What a worker does with a task's spec: runs it and returns its report. Many threads call it at
/// once. It never throws: an error is a report that says so. Where `cancelled` becomes true it
/// returns soon, with a report of kind Cancelled.
using RunTask =
    std::function<std::string(const std::string& spec, const std::atomic<bool>& cancelled)>;

/// Makes a worker ready from its setup, once, before its first task. Throws Error where the setup
/// can't be carried out. What the worker holds (a database, spill files) goes with the RunTask.
using MakeRunTask = std::function<RunTask(const std::string& setup)>;

}  // namespace smallpond
