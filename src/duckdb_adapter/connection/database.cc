#include "duckdb_adapter/connection/database.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/machine.h"
#include "duckdb/main/connection_manager.hpp"
#include "duckdb/main/valid_checker.hpp"
#include "duckdb_adapter/arrow/arrow_scan.h"
#include "duckdb_adapter/arrow/export_types.h"
#include "duckdb_adapter/connection/absolute_paths.h"
#include "duckdb_adapter/connection/database_instance.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/files/compressed_files.h"
#include "duckdb_adapter/files/file_errors.h"
#include "duckdb_adapter/files/http_interrupts.h"
#include "duckdb_adapter/files/pipe_inputs.h"
#include "duckdb_adapter/mends/asof_mends.h"
#include "duckdb_adapter/mends/parquet_mends.h"
#include "duckdb_adapter/mends/rows_in_order.h"
#include "duckdb_adapter/mends/runtime_filters.h"
#include "duckdb_adapter/mends/window_mends.h"

namespace smallpond {
namespace {

// The version whose headers this was compiled with. DuckDB's C++ interface has no stability between
// versions.
constexpr const char* kCompiledVersion = "v1.5.5";

void CheckVersion() {
  if (LoadedDuckDBVersion() == kCompiledVersion) return;
  throw Error(ErrorKind::kInternal,
              "smallpond was built for DuckDB " + std::string(kCompiledVersion) + ", but DuckDB " +
                  LoadedDuckDBVersion() +
                  " was loaded. Another libduckdb stands before ours on the library path; remove "
                  "it from LD_LIBRARY_PATH or LD_PRELOAD.");
}

void SetMemoryLimit(duckdb::DatabaseInstance& database, uint64_t bytes) {
  try {
    duckdb::DBConfig::GetConfig(database).SetOption(
        &database, *duckdb::DBConfig::GetOptionByName("memory_limit"),
        duckdb::Value(std::to_string(bytes) + "B"));
  } catch (const std::exception&) {
    // It holds more than its new share. It keeps its limit; the next change of the number of
    // databases tries again.
  }
}

// The databases that share the process's memory, in equal parts.
class SharedBudget {
 public:
  static SharedBudget& Get() {
    static SharedBudget budget;
    return budget;
  }

  uint64_t ShareWithOneMore() {
    std::lock_guard lock(mutex_);
    return DefaultMemoryBudgetBytes() / (databases_.size() + 1);
  }

  void Add(duckdb::DatabaseInstance& database) {
    std::lock_guard lock(mutex_);
    databases_.push_back(&database);
    Divide();
  }

  void Remove(duckdb::DatabaseInstance& database) {
    std::lock_guard lock(mutex_);
    auto removed = std::remove(databases_.begin(), databases_.end(), &database);
    if (removed == databases_.end()) return;
    databases_.erase(removed, databases_.end());
    Divide();
  }

 private:
  void Divide() {
    uint64_t share = DefaultMemoryBudgetBytes() / std::max<size_t>(1, databases_.size());
    for (auto* database : databases_) SetMemoryLimit(*database, share);
  }

  std::mutex mutex_;  // Guards databases_.
  std::vector<duckdb::DatabaseInstance*> databases_;
};

// All databases of this process. Never destroyed: threads may use one while the process ends.
struct LiveDatabases {
  std::mutex mutex;  // Guards the list.
  std::vector<duckdb::DatabaseInstance*> list;

  static LiveDatabases& Get() {
    static auto* databases = new LiveDatabases;
    return *databases;
  }
};

// Locks of files are the process's, not the session's: two sessions that attach one database file
// would write it at once. DuckDB refuses that where both know of each other's files.
duckdb::shared_ptr<duckdb::DatabaseFilePathManager> AttachedFiles() {
  static auto files = duckdb::make_shared_ptr<duckdb::DatabaseFilePathManager>();
  return files;
}

}  // namespace

Database::Database(const DatabaseLimits& limits) : limits_(limits) {
  TranslatingErrors([&] {
    CheckVersion();
    duckdb::DBConfig config;
    uint64_t memory_bytes =
        limits_.memory_bytes > 0 ? limits_.memory_bytes : SharedBudget::Get().ShareWithOneMore();
    config.options.maximum_memory = memory_bytes;
    config.options.maximum_threads = static_cast<duckdb::idx_t>(limits_.threads);
    if (limits_.opened_temp_dir.empty()) limits_.opened_temp_dir = limits_.temp_dir;
    config.options.temporary_directory = limits_.opened_temp_dir;
    config.options.use_temporary_directory = !limits_.temp_dir.empty();  // Never ./.tmp.
    config.path_manager = AttachedFiles();
    instance_ = std::make_unique<Instance>(config);
    instance_->own_settings = {{"threads", duckdb::Value::BIGINT(limits_.threads)},
                               {"max_memory", duckdb::Value(std::to_string(memory_bytes) + "B")},
                               {"temp_directory", duckdb::Value(limits_.opened_temp_dir)}};
    auto& database = *instance_->duckdb.instance;
    RegisterArrowScan(database);
    RegisterAbsolutePaths(database);
    NameFilesInErrors(database);
    RefuseTruncatedFiles(database);
    ReadPipesOnce(database, limits_.temp_dir, limits_.opened_temp_dir);
    HearInterruptsInRequests(database);
    MendParquetScans(database);
    MendFirstRowsOfWindows(database);
    MendAsofJoins(database);
    RegisterExportCheck(database);
    RegisterRuntimeFilterRule(database);
    RegisterRowOrderRule(database);
    if (limits_.memory_bytes == 0) SharedBudget::Get().Add(database);
    std::lock_guard lock(LiveDatabases::Get().mutex);
    LiveDatabases::Get().list.push_back(&database);
  });
}

Database::~Database() {
  {
    std::lock_guard lock(LiveDatabases::Get().mutex);
    std::erase(LiveDatabases::Get().list, instance_->duckdb.instance.get());
  }
  if (limits_.memory_bytes == 0) SharedBudget::Get().Remove(*instance_->duckdb.instance);
}

void Database::InterruptAll() {
  std::lock_guard lock(LiveDatabases::Get().mutex);
  for (auto* database : LiveDatabases::Get().list) {
    for (auto& context : duckdb::ConnectionManager::Get(*database).GetConnectionList())
      context->Interrupt();
  }
}

bool Database::IsBroken() const {
  return duckdb::ValidChecker::IsInvalidated(*instance_->duckdb.instance);
}

uint64_t Database::MemoryLimitBytes() const {
  return instance_->duckdb.instance->config.options.maximum_memory;
}

std::string LoadedDuckDBVersion() { return duckdb::DuckDB::LibraryVersion(); }

}  // namespace smallpond
