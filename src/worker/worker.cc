#include "worker/worker.h"

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <thread>

#include "base/standard_errors.h"
#include "duckdb_adapter/exchange/exchange_write.h"
#include "duckdb_adapter/fragment/run_fragment.h"
#include "smallpond/error.h"
#include "storage/job/job_names.h"

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
  TaskInputs inputs = ReadInputs(spec, files);
  CheckUnchanged(files);
  auto fragment = fragments_.Get(spec.job_folder + "/" + FragmentFileName(spec.fragment));
  const std::string path =
      spec.job_folder + "/" + AttemptFileName(spec.id.stage, spec.id.task, spec.id.attempt);

  auto connection = TakeConnection();
  TaskReport report;
  try {
    AttemptWatch watch(*connection, cancelled);
    if (faults_ && faults_->BreaksDatabase(spec.id)) connection->Break();
    RunFragment(*connection, *fragment, inputs, path, spec.output);
    CheckUnchanged(files);
    if (faults_) faults_->AtEnd(spec.id, path);
    TaskResult result = ResultOf(TakeExchangeWriteSummary(*connection).value());
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
  }
  GiveBack(std::move(connection));
  return report;
}

TaskInputs Worker::ReadInputs(const TaskSpec& spec, std::vector<FileIdentity>& files) {
  TaskInputs inputs;
  if (spec.has_scans) {
    auto tasks =
        scan_lists_.Get(spec.job_folder + "/" + ScanListFileName(spec.id.stage, spec.id.task));
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
  auto list =
      input_lists_.Get(spec.job_folder + "/" + InputsFileName(spec.id.stage, spec.inputs_version));
  for (const auto& input : list->inputs) inputs.exchanges[input.id] = ReadInput(spec, input);
  return inputs;
}

ExchangeInput Worker::ReadInput(const TaskSpec& spec, const InputList::Input& input) {
  auto outputs =
      outputs_lists_.Get(spec.job_folder + "/" + OutputsFileName(input.stage, input.version));
  ExchangeInput read;
  bool is_shared = input.kind == ExchangeKind::kHash || input.kind == ExchangeKind::kRange;
  uint32_t begin = is_shared ? spec.partition_begin : 0;
  uint32_t end = is_shared ? spec.partition_end : input.num_partitions;
  if (begin == end) return read;
  for (int task = 0; task < static_cast<int>(outputs->files.size()); ++task) {
    if (input.kind == ExchangeKind::kForward && task != spec.id.task) continue;
    int attempt = outputs->files[static_cast<size_t>(task)].attempt;
    TaskId writer{input.stage, task, attempt};
    ExchangeInput::Part part;
    part.path = spec.job_folder + "/" + AttemptFileName(writer.stage, writer.task, writer.attempt);
    part.partition_begin = begin;
    part.partition_end = end;
    part.stage = writer.stage;
    part.task = writer.task;
    part.attempt = writer.attempt;
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
