#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/connection/database.h"
#include "storage/job/checked_text.h"
#include "task/file_output.h"
#include "task/input_list.h"
#include "task/outputs_list.h"
#include "task/scan_list.h"
#include "task/task_report.h"
#include "task/task_spec.h"
#include "worker/job_file_cache.h"
#include "worker/job_folders.h"
#include "worker/test_faults.h"

namespace smallpond {

/// Runs tasks on one DuckDB, each on a connection of its own, so that they share its memory limit,
/// its threads and what it keeps of files. Any number of threads may call Run.
class Worker {
 public:
  using Connect = std::function<std::unique_ptr<Connection>()>;

  /// `connect` opens connections to a database that is prepared for stages: to another one where
  /// the last has failed for good (Connection::IsBroken).
  explicit Worker(Connect connect) : connect_(std::move(connect)) {}

  /// Runs the attempt that a spec describes and returns its report. Never throws. Where `cancelled`
  /// becomes true the report says so soon.
  std::string Run(const std::string& spec, const std::atomic<bool>& cancelled);

 private:
  static constexpr size_t kMaxKeptFiles = 64;

  template <class Content>
  static typename JobFileCache<Content>::Parse Checked(Content (*parse)(const std::string& text,
                                                                        const std::string& name)) {
    return [parse](const std::string& file, const std::string& path) {
      return parse(CheckedList(file, path), path);
    };
  }

  // Neighbouring tasks, which run at about the same time, share one. It can name 32,000 files.
  static constexpr size_t kMaxKeptScanLists = 4;

  TaskReport RunSpec(const TaskSpec& spec, const std::atomic<bool>& cancelled);
  // Runs the spec's fragment and writes its rows to where others find them.
  TaskResult WriteExchange(Connection& connection, const JobFolder& job, const TaskSpec& spec,
                           const TaskInputs& inputs);
  TaskResult WriteOutput(Connection& connection, const JobFolder& job, const TaskSpec& spec,
                         const TaskInputs& inputs);
  TaskInputs ReadInputs(const JobFolder& job, const TaskSpec& spec,
                        std::vector<FileIdentity>& files);
  ExchangeInput ReadInput(const JobFolder& job, const TaskSpec& spec,
                          const InputList::Input& input);
  template <class Content>
  static auto Get(JobFileCache<Content>& files, const JobFolder& job, const std::string& name) {
    return files.Get(job.Path(name), job.OpenedPath(name));
  }
  std::unique_ptr<Connection> TakeConnection();
  void GiveBack(std::unique_ptr<Connection> connection);

  const Connect connect_;
  const std::unique_ptr<const TestFaults> faults_ = TestFaults::FromEnvironment();
  JobFolders job_folders_;
  JobFileCache<std::string> fragments_{kMaxKeptFiles, CheckedFragment};
  JobFileCache<std::vector<TaskScans>> scan_lists_{kMaxKeptScanLists, Checked(ParseScanList)};
  JobFileCache<FileOutput> file_outputs_{kMaxKeptFiles, Checked(ParseFileOutput)};
  JobFileCache<InputList> input_lists_{kMaxKeptFiles, Checked(ParseInputList)};
  JobFileCache<OutputsList> outputs_lists_{kMaxKeptFiles, Checked(ParseOutputsList)};
  std::mutex mutex_;  // Guards idle_.
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace smallpond
