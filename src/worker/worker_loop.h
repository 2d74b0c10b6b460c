#pragma once

#include "task/run_task.h"

namespace smallpond {

/// Where a worker process finds its socket to the driver.
constexpr int kWorkerSocket = 3;
/// How often a worker says that its attempts run.
constexpr int kHeartbeatIntervalMs = 1000;
/// The first thing that both sides compare; counts up when messages change their meaning.
constexpr int kWorkerProtocol = 2;

/// What a worker and its driver must have in common, such as "1 1.0.0".
std::string WorkerVersion();

/// Is a worker process: says hello over `fd`, makes itself ready from the setup that it receives,
/// and runs attempts, each on a thread of its own, until the driver says bye or is gone. The driver
/// bounds how many run at once.
///
/// Returns the process's exit status: 0 after a bye, 1 where the driver is gone, 2 where `fd` is no
/// socket to a driver or the setup failed (the driver knows why). By then no attempt runs, and the
/// RunTask is destroyed. Where the driver is gone it returns only to a process that the driver did
/// not start itself; one that it did is killed with all that it started, after
/// DriverWatch::kGraceSeconds at the latest.
///
/// Called once, on the process's main thread. Takes `fd` over.
int RunWorkerLoop(int fd, const MakeRunTask& make_run_task);

}  // namespace smallpond
