#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/database.h"
#include "task/job_file_cache.h"
#include "task/outputs_list.h"
#include "task/scan_list.h"
#include "task/task_spec.h"
#include "task/test_faults.h"

namespace smallpond {

/// Runs tasks on one DuckDB, each on a connection of its own, so that they share its memory limit,
/// its threads and what it keeps of files. Any number of threads may call Run.
class Worker {
 public:
  using Connect = std::function<std::unique_ptr<Connection>()>;

  /// `connect` opens connections to a database that is prepared for stages.
  explicit Worker(Connect connect) : connect_(std::move(connect)) {}

  /// Runs the attempt that a spec describes and returns its report. Never throws. Where `cancelled`
  /// becomes true the report says so soon.
  std::string Run(const std::string& spec, const std::atomic<bool>& cancelled);

 private:
  static constexpr size_t kMaxKeptFiles = 64;
  // Neighbouring tasks, which run at about the same time, share one. It can name 32,000 files.
  static constexpr size_t kMaxKeptScanLists = 4;

  std::string RunSpec(const TaskSpec& spec, const std::atomic<bool>& cancelled);
  TaskInputs ReadInputs(const TaskSpec& spec, std::vector<FileIdentity>& files);
  ExchangeInput ReadInput(const TaskSpec& spec, const TaskSpec::Input& input);
  std::unique_ptr<Connection> TakeConnection();
  void GiveBack(std::unique_ptr<Connection> connection);

  const Connect connect_;
  const std::unique_ptr<const TestFaults> faults_ = TestFaults::FromEnvironment();
  JobFileCache<std::string> fragments_{kMaxKeptFiles,
                                       [](std::string bytes, const std::string&) { return bytes; }};
  JobFileCache<std::vector<TaskScans>> scan_lists_{kMaxKeptScanLists, ParseScanList};
  JobFileCache<OutputsList> outputs_lists_{kMaxKeptFiles, ParseOutputsList};
  std::mutex mutex_;  // Guards idle_.
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace smallpond
