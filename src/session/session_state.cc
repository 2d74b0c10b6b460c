#include "session/session_state.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>

#include "duckdb_adapter/cut/run_fragment.h"
#include "executor/process_executor.h"
#include "executor/thread_executor.h"
#include "plan/scan_splits.h"
#include "smallpond/error.h"
#include "storage/machine.h"
#include "storage/paths.h"
#include "storage/process_folder.h"
#include "task/worker.h"

namespace smallpond {
namespace {

// Of the memory: what the driver of worker processes keeps for planning and reading results.
constexpr double kDriversShare = 0.25;

// Tells what a cluster is, how to use one, and what there is without.
constexpr const char* kNeedsCluster =
    " needs a cluster: Ray on every node (`ray start --head` on one, `ray start "
    "--address=HEAD:6379` on the others) and a folder that all of them mount. Connect to it with "
    "init(ray_address='HEAD:6379', data_root='/that/folder'). On this machine alone, "
    "init(executor='processes', num_executors=4) cuts queries into stages for worker processes; "
    "with neither argument the same script runs in this process, with all of its cores.";

std::string RandomUuid() {
  std::random_device device;
  std::string uuid;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) uuid += '-';
    unsigned digit = device() % 16;
    if (i == 12) digit = 4;                // Version 4,
    if (i == 16) digit = 8 | (digit & 3);  // variant 1 of RFC 9562.
    uuid += "0123456789abcdef"[digit];
  }
  return uuid;
}

std::string NowIso8601() {
  std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return text;
}

// A folder of this session's own, so that two sessions never clean up each other's files. DuckDB
// makes it when it spills, but not the folders above it.
std::string SpillFolder(const Options& options) {
  static std::atomic<int> sessions{0};
  const char* tmp = std::getenv("TMPDIR");
  std::string base = !options.temp_dir.empty()    ? ResolvePath(options.temp_dir, "")
                     : !options.data_root.empty() ? ResolvePath(options.data_root, "") + "/temp"
                                                  : std::string(tmp && *tmp ? tmp : "/tmp");
  std::error_code error;
  std::filesystem::create_directories(base, error);
  if (error) {
    throw Error(ErrorKind::kIo, "The folder to spill to, '" + base + "', can't be made: " +
                                    error.message() + ". Give another temp_dir.");
  }
  return base + "/smallpond-" + std::to_string(getpid()) + "-" + std::to_string(sessions++);
}

// Not the session's own: DuckDB does not make its folder again where a worker removed it.
std::string WorkersTempDir(const Options& options) { return options.temp_dir + "-workers"; }

// More than this machine takes a cluster, and a cluster takes an address.
void CheckCluster(const Options& options) {
  if (!options.ray_address.empty()) return;
  auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::kUnsupported, what + kNeedsCluster);
  };
  bool has_processes = options.executor == ExecutorKind::kProcesses;
  if (options.executor == ExecutorKind::kRay) refuse("executor='ray'");
  if (options.num_nodes > 1) refuse("num_nodes=" + std::to_string(options.num_nodes));
  if (options.num_executors > 0 && !has_processes)
    refuse("num_executors=" + std::to_string(options.num_executors));
  const char* spawn = std::getenv("SP_SPAWN");
  if (spawn && std::string(spawn) == "1") refuse("SP_SPAWN=1, to submit this script as a job,");
}

// The folder of the jobs' files, which every worker must see.
std::string JobsFolder(const Options& options) {
  if (!options.data_root.empty()) return ResolvePath(options.data_root, "") + "/jobs";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : "/tmp") + "/.smallpond/data/jobs";
}

double MemoryBudget(const Options& options) {
  return static_cast<double>(options.duckdb_memory_bytes.value_or(DefaultMemoryBudgetBytes()));
}

Options WithDefaults(Options options) {
  CheckCluster(options);
  if (options.job_id.empty()) options.job_id = RandomUuid();
  if (options.job_time.empty()) options.job_time = NowIso8601();
  if (!options.data_dir.empty()) {
    options.data_dir = ResolvePath(options.data_dir, "");
    std::error_code error;
    if (!IsRemote(options.data_dir) && !std::filesystem::is_directory(options.data_dir, error)) {
      throw Error(
          ErrorKind::kInvalidInput,
          "data_dir='" + options.data_dir + "' is not a folder. Make it, or leave data_dir out.");
    }
  }
  if (!options.threads) options.threads = UsableCpus();
  if (!options.executor) {
    options.executor = options.ray_address.empty() ? ExecutorKind::kDirect : ExecutorKind::kRay;
  }
  options.temp_dir = SpillFolder(options);
  return options;
}

}  // namespace

SessionState::SessionState(const Options& options) : options_(WithDefaults(options)) {
  DatabaseLimits limits;
  limits.memory_bytes = options_.duckdb_memory_bytes.value_or(0);
  limits.threads = *options_.threads;
  limits.temp_dir = options_.temp_dir;
  if (options_.executor == ExecutorKind::kProcesses) {
    limits.memory_bytes = static_cast<uint64_t>(kDriversShare * MemoryBudget(options_));
  }
  database_ = std::make_unique<Database>(limits);
  if (options_.executor != ExecutorKind::kDirect) stages_ = MakeStages();
}

std::string SessionState::ToString() const {
  auto text = [&](const std::string& name, const std::string& value) {
    return value.empty() ? "" : ", " + name + "=" + value;
  };
  const Options& options = options_;
  std::string road = ExecutorKindName(*options.executor);
  if (options.executor == ExecutorKind::kProcesses) {
    road += ", num_executors=" + std::to_string(std::max(1, options.num_executors));
  }
  return std::string("Session(smallpond ") + SMALLPOND_VERSION + ", DuckDB " +
         LoadedDuckDBVersion() + ", executor=" + road + text("ray_address", options.ray_address) +
         ", threads=" + std::to_string(*options.threads) +
         ", duckdb_memory=" + std::to_string(static_cast<uint64_t>(MemoryBudget(options) / 1e6)) +
         "MB" + text("data_dir", options.data_dir) + text("data_root", options.data_root) +
         ", temp_dir=" + options.temp_dir + ", job_id=" + options.job_id + ")";
}

SessionState::~SessionState() { StopWorkers(true); }

void SessionState::StopWorkers(bool for_good) {
  if (!stages_) return;
  if (for_good) stages_->CancelAll();
  stages_->Reset();
  RemoveDeadProcessFolders(WorkersTempDir(options_), kWorkerFolderPrefix);
  std::error_code not_empty;  // Where a worker of another machine is still ending.
  std::filesystem::remove(WorkersTempDir(options_), not_empty);
}

std::unique_ptr<StageRunner> SessionState::MakeStages() {
  PrepareForStages(*database_);
  StageRunner::Parts parts;
  parts.connect = [this] { return Connect(); };
  parts.make_executor = [this] { return StartExecutor(); };
  parts.jobs_folder = JobsFolder(options_);
  StageOptions& stages = parts.stages;
  stages.slots = TasksAtATime(options_);
  stages.split = SplitTargetOf(options_);
  stages.broadcast_bytes = static_cast<double>(options_.broadcast_size_bytes);
  stages.partition_bytes = static_cast<double>(options_.partition_size_bytes);
  stages.partitions = options_.partitions.value_or(0);
  return std::make_unique<StageRunner>(std::move(parts));
}

WorkerSetup SessionState::SetupOfWorkers() {
  WorkerSetup setup;
  setup.limits.temp_dir = WorkersTempDir(options_);
  {
    std::lock_guard lock(mutex_);
    setup.prelude = worker_prelude_;
  }
  // Of a cluster's nodes nothing is known here: 0 is all that the node has.
  if (options_.executor == ExecutorKind::kRay) {
    setup.limits.threads = 0;
    setup.limits.memory_bytes = options_.duckdb_memory_bytes.value_or(0);
    return setup;
  }
  int workers = std::max(1, options_.num_executors);
  setup.limits.threads = ThreadsPerWorker(options_);
  setup.limits.memory_bytes =
      static_cast<uint64_t>((1 - kDriversShare) * MemoryBudget(options_) / workers);
  return setup;
}

std::shared_ptr<Executor> SessionState::StartExecutor() {
  if (options_.executor == ExecutorKind::kThreads) {
    auto worker = std::make_shared<Worker>([this] { return Connect(); });
    return std::make_shared<ThreadExecutor>(
        *options_.threads, [worker](const std::string& spec, const std::atomic<bool>& cancelled) {
          return worker->Run(spec, cancelled);
        });
  }
  WorkerSetup setup = SetupOfWorkers();
  if (make_executor_) return make_executor_(FormatWorkerSetup(setup));
  if (options_.executor == ExecutorKind::kRay) {
    throw Error(ErrorKind::kUnsupported,
                "executor='ray' is driven by Python: run this script with Python, or use "
                "executor='processes'.");
  }
  ProcessExecutorOptions options;
  options.command = options_.worker_command;
  if (options.command.empty()) options.command = {"smallpond", "worker"};
  options.setup = FormatWorkerSetup(setup);
  options.num_workers = std::max(1, options_.num_executors);
  options.slots_per_worker = setup.limits.threads;
  return std::make_shared<ProcessExecutor>(std::move(options));
}

std::unique_ptr<Connection> SessionState::Connect() {
  auto connection = std::make_unique<Connection>(*database_);
  std::lock_guard lock(mutex_);
  for (const auto& statement : prelude_) connection->Run(statement.Copy());
  return connection;
}

void SessionState::AddToWorkers(const std::string& sql) {
  if (sql.empty() || !stages_) return;
  {
    std::lock_guard lock(mutex_);
    worker_prelude_.push_back(sql);
  }
  stages_->Reset();
}

void SessionState::AddToPrelude(Statement statement) {
  std::lock_guard lock(mutex_);
  prelude_.push_back(std::move(statement));
}

}  // namespace smallpond
