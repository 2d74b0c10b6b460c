#include "worker/worker.h"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <system_error>
#include <thread>

#include "base/standard_errors.h"
#include "duckdb_adapter/exchange/exchange_write.h"
#include "duckdb_adapter/fragment/run_fragment.h"
#include "smallpond/error.h"
#include "storage/files/early_writeback.h"
#include "storage/files/file_system.h"
#include "storage/job/job_names.h"
#include "worker/write_files.h"

namespace smallpond {
namespace {

constexpr auto kWatchInterval = std::chrono::milliseconds(20);

// Looks after an attempt as long as it lives: interrupts its connection when the flag is set, and
// notes the most memory and spill files that the database has meanwhile. DuckDB forgets an
// interrupt that falls between two statements, so it is repeated.
class AttemptWatch {
 public:
  AttemptWatch(Connection& connection, const std::atomic<bool>& cancelled)
      : connection_(connection), thread_([this, &cancelled](std::stop_token stop) {
          std::unique_lock lock(mutex_);
          while (
              !ended_.wait_for(lock, stop, kWatchInterval, [&] { return stop.stop_requested(); })) {
            if (cancelled) connection_.Interrupt();
            Measure();
          }
        }) {}

  // Ends the watch. What other attempts of this worker use counts as well: the database can't tell.
  Connection::MemoryUse Peak() {
    thread_.request_stop();
    thread_.join();
    Measure();
    return peak_;
  }

 private:
  void Measure() {
    auto use = connection_.Use();
    peak_.memory_bytes = std::max(peak_.memory_bytes, use.memory_bytes);
    peak_.spilled_bytes = std::max(peak_.spilled_bytes, use.spilled_bytes);
  }

  Connection& connection_;
  Connection::MemoryUse peak_;  // Used by the thread until it ends.
  std::mutex mutex_;            // For ended_, which only the stop token wakes up.
  std::condition_variable_any ended_;
  std::jthread thread_;
};

int64_t CpuMs() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

TaskResult ResultOf(const ExchangeFileSummary& written) {
  TaskResult result;
  result.file_id = written.file_id;
  result.rows = written.rows;
  result.bytes = written.bytes;
  for (const auto& partition : written.partitions) {
    result.partitions.push_back({partition.rows, partition.bytes});
  }
  return result;
}

}  // namespace

std::string Worker::Run(const std::string& spec, const std::atomic<bool>& cancelled) {
  try {
    return FormatTaskReport(
        TranslatingStandardErrors([&] { return RunSpec(ParseTaskSpec(spec), cancelled); }));
  } catch (const Error& error) {
    return FormatTaskReport(TaskFailure{error.kind(), error.what(), std::nullopt});
  }
}

TaskReport Worker::RunSpec(const TaskSpec& spec, const std::atomic<bool>& cancelled) {
  auto start = std::chrono::steady_clock::now();
  int64_t cpu_start = CpuMs();
  if (faults_) faults_->AtStart(spec);
  std::vector<FileIdentity> files;
  const JobFolder job = job_folders_.Open(spec);
  TaskInputs inputs = ReadInputs(job, spec, files);
  CheckUnchanged(files);
  auto connection = TakeConnection();
  TaskReport report;
  try {
    AttemptWatch watch(*connection, cancelled);
    if (faults_ && faults_->BreaksDatabase(spec.id)) connection->Break();
    TaskResult result = spec.writes_files ? WriteOutput(*connection, job, spec, inputs)
                                          : WriteExchange(*connection, job, spec, inputs);
    CheckUnchanged(files);
    auto peak = watch.Peak();
    result.peak_memory_bytes = peak.memory_bytes;
    result.spilled_bytes = peak.spilled_bytes;
    std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;
    result.wall_ms = static_cast<int64_t>(wall.count());
    // Of the whole process: right where it runs one task at a time.
    result.cpu_ms = CpuMs() - cpu_start;
    report = std::move(result);
  } catch (const Error& error) {
    TaskFailure failure{error.kind(), error.what(), std::nullopt};
    if (auto lost = LostInput(*connection))
      failure.lost_input = TaskId{lost->stage, lost->task, lost->attempt};
    report = std::move(failure);
    if (spec.writes_files) return report;  // The connection may hold tables of its rows.
  }
  GiveBack(std::move(connection));
  return report;
}

TaskResult Worker::WriteExchange(Connection& connection, const JobFolder& job, const TaskSpec& spec,
                                 const TaskInputs& inputs) {
  auto fragment = Get(fragments_, job, FragmentFileName(spec.fragment));
  const std::string path =
      job.OpenedPath(AttemptFileName(spec.id.stage, spec.id.task, spec.id.attempt));
  RunFragment(connection, *fragment, inputs, path, spec.output);
  if (faults_) faults_->AtEnd(spec.id, path);
  return ResultOf(TakeExchangeWriteSummary(connection).value());
}

TaskResult Worker::WriteOutput(Connection& connection, const JobFolder& job, const TaskSpec& spec,
                               const TaskInputs& inputs) {
  auto fragment = Get(fragments_, job, FragmentFileName(spec.fragment));
  auto output = Get(file_outputs_, job, FileOutputName(spec.id.stage));
  const std::string folder =
      output->staging_folder + "/" + AttemptFolderName(spec.id.task, spec.id.attempt);
  // Not those above: where they are missing, the driver has given up, or is on another machine.
  if (std::error_code error = MakeNewFolder(folder, Access::kShared)) {
    bool is_missing = error == std::errc::no_such_file_or_directory;
    throw Error(is_missing ? ErrorKind::kInvalidInput : ErrorKind::kIo,
                "A worker can't write to the folder that the output is staged in, '" +
                    output->staging_folder + "': " + error.message() +
                    ". Workers write the files, so the folder must be one that all of them see.");
  }
  WrittenFiles written;
  try {
    EarlyWriteback writeback(folder);
    Statement rows = QueryFragment(connection, *fragment, inputs, output->columns);
    written = WriteFiles(connection, rows, *output, folder, spec.id.task);
    SyncWrittenFiles(folder, written.files);
  } catch (...) {  // What is whole of it takes the room that another try needs.
    RemoveTree(folder);
    throw;
  }
  if (faults_ && !written.files.empty()) {
    faults_->AtEnd(spec.id, folder + "/" + written.files.front().name + OutputFile::kStagedEnding);
  }
  TaskResult result;
  result.rows = static_cast<uint64_t>(written.rows);
  for (const auto& file : written.files) result.bytes += file.bytes;
  result.files = std::move(written.files);
  return result;
}

TaskInputs Worker::ReadInputs(const JobFolder& job, const TaskSpec& spec,
                              std::vector<FileIdentity>& files) {
  TaskInputs inputs;
  if (spec.has_scans) {
    auto tasks = Get(scan_lists_, job, ScanListFileName(spec.id.stage, spec.id.task));
    auto position = static_cast<size_t>(spec.id.task % kTasksPerScanList);
    if (position >= tasks->size()) {
      throw Error(ErrorKind::kInternal, "No scans are listed for task " +
                                            std::to_string(spec.id.task) + " of stage " +
                                            std::to_string(spec.id.stage) + ".");
    }
    const TaskScans& task = (*tasks)[position];
    inputs.scans = task.scans;
    files = task.files;
  }
  if (spec.inputs_version < 0) return inputs;
  auto list = Get(input_lists_, job, InputsFileName(spec.id.stage, spec.inputs_version));
  for (const auto& input : list->inputs) {
    auto& read = inputs.exchanges[input.id] = ReadInput(job, spec, input);
    if (input.content.empty() || read.parts.empty()) continue;
    read.parts[0].content = std::shared_ptr<const std::string>(list, &input.content);
  }
  return inputs;
}

ExchangeInput Worker::ReadInput(const JobFolder& job, const TaskSpec& spec,
                                const InputList::Input& input) {
  auto outputs = Get(outputs_lists_, job, OutputsFileName(input.stage, input.version));
  ExchangeInput read;
  bool is_shared = SharesPartitions(input.kind);
  uint32_t begin = is_shared ? std::min(spec.partition_begin, input.num_partitions) : 0;
  uint32_t end =
      is_shared ? std::min(spec.partition_end, input.num_partitions) : input.num_partitions;
  if (begin == end) return read;
  for (int task = 0; task < static_cast<int>(outputs->files.size()); ++task) {
    if (input.kind == ExchangeKind::kForward && task != spec.id.task) continue;
    const auto& output = outputs->files[static_cast<size_t>(task)];
    TaskId writer{input.stage, task, output.attempt};
    ExchangeInput::Part part;
    part.path = job.OpenedPath(AttemptFileName(writer.stage, writer.task, writer.attempt));
    part.partition_begin = begin;
    part.partition_end = end;
    part.stage = writer.stage;
    part.task = writer.task;
    part.attempt = writer.attempt;
    part.file_id = output.file_id;
    read.parts.push_back(std::move(part));
  }
  return read;
}

std::unique_ptr<Connection> Worker::TakeConnection() {
  {
    std::lock_guard lock(mutex_);
    std::erase_if(idle_, [](const auto& connection) { return connection->IsBroken(); });
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  auto connection = connect_();
  PrepareForFragments(*connection);
  return connection;
}

void Worker::GiveBack(std::unique_ptr<Connection> connection) {
  if (connection->IsBroken()) return;
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
}

}  // namespace smallpond
