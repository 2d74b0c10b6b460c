#include "session/session_state.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>

#include "smallpond/error.h"
#include "storage/machine.h"
#include "storage/paths.h"

namespace smallpond {
namespace {

// Tells what a cluster is and how far this version is from it.
constexpr const char* kNeedsCluster =
    " needs a cluster: Ray on every node (`ray start --head` on one, `ray start "
    "--address=HEAD:6379` "
    "on the others) and a folder that all of them mount, named to init() as "
    "ray_address='HEAD:6379' "
    "and data_root. This version does not connect to one yet. Leave the argument out: the same "
    "script runs in this process, with all of this machine's cores.";

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

void CheckNeedsNoCluster(const Options& options) {
  auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::kUnsupported, what + kNeedsCluster);
  };
  if (options.num_nodes > 1) refuse("num_nodes=" + std::to_string(options.num_nodes));
  if (options.num_executors > 0) refuse("num_executors=" + std::to_string(options.num_executors));
  if (!options.ray_address.empty()) refuse("ray_address='" + options.ray_address + "'");
  const char* spawn = std::getenv("SP_SPAWN");
  if (spawn && std::string(spawn) == "1") refuse("SP_SPAWN=1, to submit this script as a job,");
}

Options WithDefaults(Options options) {
  CheckNeedsNoCluster(options);
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
  if (!options.executor) options.executor = ExecutorKind::kDirect;
  options.temp_dir = SpillFolder(options);
  return options;
}

}  // namespace

SessionState::SessionState(const Options& options) : options_(WithDefaults(options)) {
  DatabaseLimits limits;
  limits.memory_bytes = options_.duckdb_memory_bytes.value_or(0);
  limits.threads = *options_.threads;
  limits.temp_dir = options_.temp_dir;
  database_ = std::make_unique<Database>(limits);
}

std::unique_ptr<Connection> SessionState::Connect() {
  auto connection = std::make_unique<Connection>(*database_);
  std::lock_guard lock(mutex_);
  for (const auto& statement : prelude_) connection->Run(statement.Copy());
  return connection;
}

void SessionState::AddToPrelude(Statement statement) {
  std::lock_guard lock(mutex_);
  prelude_.push_back(std::move(statement));
}

}  // namespace smallpond
