#include "session/session_state.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <random>
#include <system_error>

#include "base/machine.h"
#include "base/secret_values.h"
#include "base/secrets.h"
#include "base/worker_layout.h"
#include "duckdb_adapter/connection/session_statement.h"
#include "duckdb_adapter/fragment/run_fragment.h"
#include "executor/process_executor.h"
#include "executor/thread_executor.h"
#include "planner/scan_splits.h"
#include "smallpond/error.h"
#include "storage/files/file_system.h"
#include "storage/files/paths.h"
#include "storage/files/process_folder.h"
#include "worker/worker.h"

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

// Where the session and its workers spill, each to a folder of its own in it.
std::string SpillRoot(const Options& options) {
  if (!options.temp_dir.empty()) return ResolvePath(options.temp_dir, "");
  if (!options.data_root.empty()) return ResolvePath(options.data_root, "") + "/temp";
  const char* tmp = std::getenv("TMPDIR");
  return tmp && *tmp ? tmp : "/tmp";
}

// Returns null where nobody asked for the folder and it can't be made, as in a container whose file
// system is read-only: most queries never spill.
std::unique_ptr<ProcessFolder> MakeSpillFolder(const std::string& root, bool is_asked_for) {
  try {
    return std::make_unique<ProcessFolder>(root, kSpillPrefix);
  } catch (const Error& error) {
    if (!is_asked_for) return nullptr;
    throw Error(error.kind(), "There is no folder to spill to: " + std::string(error.what()) +
                                  " Give another temp_dir.");
  }
}

// More than this machine takes a cluster, and a cluster takes an address.
void CheckCluster(const Options& options) {
  auto executor = options.executor ? ExecutorKindName(*options.executor) : "";
  if (!options.ray_address.empty()) {
    if (executor.empty() || options.executor == ExecutorKind::kRay) return;
    throw Error(ErrorKind::kInvalidInput,
                "executor='" + executor + "' does not use the Ray cluster at ray_address='" +
                    options.ray_address + "'. Leave one of them out, or use executor='ray'.");
  }
  auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::kUnsupported, what + kNeedsCluster);
  };
  bool has_processes = options.executor == ExecutorKind::kProcesses;
  if (options.executor == ExecutorKind::kRay) refuse("executor='ray'");
  if (options.num_nodes > 1) refuse("num_nodes=" + std::to_string(options.num_nodes));
  if (options.num_executors > 0 && options.executor == ExecutorKind::kThreads) {
    throw Error(ErrorKind::kInvalidInput,
                "num_executors=" + std::to_string(options.num_executors) +
                    " counts worker processes, and executor='threads' has none. Use "
                    "executor='processes', or threads= to say how many tasks run at a time.");
  }
  if (options.num_executors > 0 && !has_processes)
    refuse("num_executors=" + std::to_string(options.num_executors));
  const char* spawn = std::getenv("SP_SPAWN");
  if (spawn && std::string(spawn) == "1") refuse("SP_SPAWN=1, to submit this script as a job,");
}

// Not below /tmp, where others could have made it.
std::string HomeFolder() {
  const char* home = std::getenv("HOME");
  if (home && *home) return home;
  char text[4096];
  passwd account{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &account, text, sizeof text, &found) == 0 && found)
    return found->pw_dir;
  throw Error(ErrorKind::kInvalidInput,
              "This account has no home folder for the files of jobs. Give a data_root.");
}

// The folder of the jobs' files, which every worker must see.
std::string JobsFolder(const Options& options) {
  if (!options.data_root.empty()) return ResolvePath(options.data_root, "") + "/jobs";
  return HomeFolder() + "/.smallpond/data/jobs";
}

double MemoryBudget(const Options& options) {
  return static_cast<double>(options.duckdb_memory_bytes.value_or(DefaultMemoryBudgetBytes()));
}

// The folder that a "file:///…" names. Another URL would be taken for a folder's name.
std::string LocalFolder(const std::string& name, const std::string& path) {
  std::string local = path.starts_with("file:///") ? path.substr(sizeof("file://") - 1) : path;
  if (!IsRemote(local)) return local;
  throw Error(ErrorKind::kUnsupported,
              name + "='" + path + "' is no folder of a file system. Give a local or mounted one.");
}

Options WithDefaults(Options options) {
  CheckCluster(options);
  options.data_root = LocalFolder("data_root", options.data_root);
  options.temp_dir = LocalFolder("temp_dir", options.temp_dir);
  if (options.job_id.empty()) options.job_id = RandomUuid();
  if (options.job_time.empty()) options.job_time = NowIso8601();
  if (!options.data_dir.empty()) {
    options.data_dir = ResolvePath(options.data_dir, "");
    if (!IsRemote(options.data_dir) && !IsFolder(options.data_dir)) {
      throw Error(
          ErrorKind::kInvalidInput,
          "data_dir='" + options.data_dir + "' is not a folder. Make it, or leave data_dir out.");
    }
  }
  if (!options.threads) options.threads = UsableCpus();
  if (!options.executor) {
    options.executor = options.ray_address.empty() ? ExecutorKind::kDirect : ExecutorKind::kRay;
  }
  options.temp_dir = SpillRoot(options);
  return options;
}

}  // namespace

std::shared_ptr<SessionState> SessionState::Open(const Options& options) {
  auto* state = new SessionState(options);  // Owned by the session and its frames.
  return {state, [](SessionState* last) {
            // The threads that its end waits for are not here.
            if (!last->IsForked()) delete last;
          }};
}

SessionState::SessionState(const Options& options)
    : options_(WithDefaults(options)),
      spill_root_(options_.temp_dir),
      spill_(
          MakeSpillFolder(spill_root_, !options.temp_dir.empty() || !options.data_root.empty())) {
  options_.temp_dir = spill_ ? spill_->path() : "";
  OpenDatabase();
  if (options_.executor != ExecutorKind::kDirect) stages_ = MakeStages();
}

void SessionState::OpenDatabase() {
  DatabaseLimits limits;
  limits.memory_bytes = options_.duckdb_memory_bytes.value_or(0);
  limits.threads = *options_.threads;
  limits.temp_dir = options_.temp_dir;
  if (spill_) limits.opened_temp_dir = spill_->opened_path();
  if (num_replaced_ > 0 && spill_) {
    // Streams may still read from the one before, whose files have the same names.
    const std::string own = "/" + std::to_string(num_replaced_);
    limits.temp_dir += own;
    limits.opened_temp_dir += own;
    // DuckDB says it where it can't spill.
    [[maybe_unused]] std::error_code ignored = MakeFolders(limits.opened_temp_dir);
  }
  if (options_.executor == ExecutorKind::kProcesses) {
    limits.memory_bytes = static_cast<uint64_t>(kDriversShare * MemoryBudget(options_));
  }
  database_ = std::make_shared<Database>(limits);
  if (options_.executor != ExecutorKind::kDirect) PrepareForStages(*database_);
}

// Called with the lock.
void SessionState::ReplaceDatabase() {
  ++num_replaced_;
  OpenDatabase();
  settings_->PrepareDatabase(*database_);
  steps_.Repeat(*database_);
  settings_->LockDatabase(*database_);
  Connection connection(*database_, settings_);
  lost_tables_ = steps_.Lost(connection);
}

SessionState::~SessionState() {
  StopWorkers(true);
  database_.reset();  // Before the folder that it spills to.
}

DatabaseLimits SessionState::DatabaseLimitsInForce() {
  std::lock_guard lock(mutex_);
  DatabaseLimits limits = database_->limits();
  limits.memory_bytes = database_->MemoryLimitBytes();
  return limits;
}

void SessionState::Hide(std::set<std::string> values) {
  std::lock_guard lock(mutex_);
  hidden_.merge(values);
}

std::string SessionState::WithoutHidden(const std::string& text) {
  std::lock_guard lock(mutex_);
  return WithoutSecrets(WithoutValues(hidden_, text));
}

Error SessionState::Explain(const Error& error) {
  std::lock_guard lock(mutex_);
  std::string text = WithoutValues(hidden_, error.what());
  if (database_->IsBroken()) {
    text +=
        "\nDuckDB can't go on after an internal error. The session goes on with a new one: what "
        "its tables held is lost, settings, views, macros and attached files are there again.";
  }
  for (const auto& name : lost_tables_) {
    if (text.find("with name " + name + " does not exist") == std::string::npos) continue;
    text += "\n'" + name +
            "' was lost when DuckDB failed with an internal error, and the session went on with a "
            "new one. Make it again.";
    break;
  }
  return Error(error.kind(), text);
}

std::string SessionState::ToString() const {
  auto text = [&](const std::string& name, const std::string& value) {
    return value.empty() ? "" : ", " + name + "=" + value;
  };
  const Options& options = options_;
  std::string road = ExecutorKindName(*options.executor);
  if (options.executor == ExecutorKind::kProcesses) {
    road += ", num_executors=" + std::to_string(WorkerLayoutOf(options).num_workers);
  }
  std::string all =
      std::string("Session(smallpond ") + SMALLPOND_VERSION + ", DuckDB " + LoadedDuckDBVersion() +
      ", executor=" + road + text("ray_address", options.ray_address) +
      ", threads=" + std::to_string(*options.threads) +
      ", duckdb_memory=" + std::to_string(static_cast<uint64_t>(MemoryBudget(options) / 1e6)) +
      "MB" + text("data_dir", options.data_dir) + text("data_root", options.data_root) +
      ", temp_dir=" + options.temp_dir + ", job_id=" + options.job_id + ")";
  return WithoutSecrets(all);
}

void SessionState::StopWorkers(bool for_good) {
  if (!stages_ || IsForked()) return;
  for_good ? stages_->Stop() : stages_->Reset();
  RemoveDeadProcessFolders(spill_root_, kSpillPrefix);  // Of workers that were killed.
}

std::unique_ptr<StageRunner> SessionState::MakeStages() {
  StageRunner::Parts parts;
  parts.connect = [this] { return Connect(); };
  parts.make_executor = [this](const SettingsRef& settings) { return StartExecutor(settings); };
  parts.jobs_folder = JobsFolder(options_);
  parts.max_kept_bytes = options_.max_exchange_bytes;
  StageOptions& stages = parts.stages;
  stages.split = SplitTargetOf(options_);
  stages.slots = stages.split.at_a_time;
  parts.asks_for_slots = options_.executor == ExecutorKind::kRay;
  stages.broadcast_bytes = static_cast<double>(options_.broadcast_size_bytes);
  stages.partition_bytes = static_cast<double>(options_.partition_size_bytes);
  stages.partitions = options_.partitions.value_or(0);
  auto whole = std::min(Options::kWholeSizeBytes, database_->MemoryLimitBytes() / 4);
  stages.whole_bytes =
      static_cast<double>(options_.whole_size_bytes.value_or(options_.partitions ? 0 : whole));
  return std::make_unique<StageRunner>(std::move(parts));
}

WorkerSetup SessionState::SetupOfWorkers(const SessionSettings& settings) const {
  WorkerSetup setup;
  setup.limits.temp_dir = spill_ ? spill_root_ : "";
  setup.settings = settings.ForWorkers();
  // Of a cluster's nodes nothing is known here: 0 is all that the node has.
  if (options_.executor == ExecutorKind::kRay) {
    setup.limits.threads = 0;
    setup.limits.memory_bytes = options_.duckdb_memory_bytes.value_or(0);
    return setup;
  }
  WorkerLayout layout = WorkerLayoutOf(options_);
  setup.limits.threads = layout.threads_per_worker;
  setup.limits.memory_bytes =
      static_cast<uint64_t>((1 - kDriversShare) * MemoryBudget(options_) / layout.num_workers);
  return setup;
}

std::shared_ptr<Executor> SessionState::StartExecutor(const SettingsRef& settings) {
  if (options_.executor == ExecutorKind::kThreads) {
    auto worker = std::make_shared<Worker>([this, settings] { return ConnectWith(settings); });
    return std::make_shared<ThreadExecutor>(
        *options_.threads, [worker](const std::string& spec, const std::atomic<bool>& cancelled) {
          return worker->Run(spec, cancelled);
        });
  }
  WorkerSetup setup = SetupOfWorkers(*settings);
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
  options.num_workers = WorkerLayoutOf(options_).num_workers;
  options.slots_per_worker = setup.limits.threads;
  return std::make_shared<ProcessExecutor>(std::move(options));
}

std::unique_ptr<Connection> SessionState::Connect() {
  SettingsRef settings;
  {
    std::lock_guard lock(mutex_);
    settings = settings_;
  }
  return ConnectWith(std::move(settings));
}

std::unique_ptr<Connection> SessionState::ConnectWith(SettingsRef settings) {
  if (IsForked()) {
    throw Error(ErrorKind::kInvalidInput,
                "This session belongs to process " + std::to_string(owner_pid_) +
                    ", which forked this one, and can't be used here. Open another with init(), or "
                    "start processes by multiprocessing's 'spawn' instead of 'fork'.");
  }
  std::lock_guard lock(mutex_);
  if (database_->IsBroken()) ReplaceDatabase();
  if (steps_.HasFailed()) steps_.RepeatFailed(*database_);
  return std::make_unique<Connection>(*database_, std::move(settings));
}

Action::Parts SessionState::PartsOfAction(const Ticker& ticker) {
  return {[this] { return Connect(); }, &kept_, stages_.get(), ticker};
}

void SessionState::AddDatabaseStep(Statement statement, SettingsRef settings) {
  std::lock_guard lock(mutex_);
  std::erase(lost_tables_, CreatedTable(statement));
  steps_.Add(std::move(statement), std::move(settings));
}

void SessionState::ChangeSettings(const std::function<SettingsRef(Connection&)>& change) {
  std::lock_guard turn(change_mutex_);
  auto connection = Connect();
  SettingsRef changed = change(*connection);
  std::lock_guard lock(mutex_);
  settings_ = std::move(changed);
}

}  // namespace smallpond
