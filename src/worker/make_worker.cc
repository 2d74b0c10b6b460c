#include "worker/make_worker.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <mutex>
#include <utility>

#include "base/machine.h"
#include "duckdb_adapter/connection/session_settings.h"
#include "duckdb_adapter/fragment/run_fragment.h"
#include "smallpond/error.h"
#include "storage/files/process_folder.h"
#include "worker/worker.h"

namespace smallpond {
namespace {

using nlohmann::json;

DatabaseLimits WithTempDir(DatabaseLimits limits, const std::unique_ptr<ProcessFolder>& folder) {
  if (folder) {
    limits.temp_dir = folder->path();
    limits.opened_temp_dir = folder->opened_path();
  }
  return limits;
}

// A worker process's one DuckDB and what runs on it.
struct OwnDatabase {
  explicit OwnDatabase(const WorkerSetup& setup)
      : temp_folder(MakeTempFolder(setup)), database(WithTempDir(setup.limits, temp_folder)) {
    PrepareForStages(database);
    settings = SessionSettings::SetUpWorker(database, setup.settings);
  }

  static std::unique_ptr<ProcessFolder> MakeTempFolder(const WorkerSetup& setup) {
    if (setup.limits.temp_dir.empty()) return nullptr;
    return std::make_unique<ProcessFolder>(setup.limits.temp_dir, kSpillPrefix);
  }

  std::unique_ptr<ProcessFolder> temp_folder;  // Before the database, whose files are in it.
  Database database;
  SettingsRef settings;
};

// Makes another database where DuckDB has given up the one before. Any thread may use it.
class ReplacedDatabase {
 public:
  explicit ReplacedDatabase(WorkerSetup setup) : setup_(std::move(setup)) {}

  std::unique_ptr<Connection> Connect() {
    auto own = Own();
    return std::make_unique<Connection>(own->database, own->settings);
  }

 private:
  std::shared_ptr<OwnDatabase> Own() {
    std::lock_guard lock(mutex_);
    if (!own_ || own_->database.IsBroken()) {
      own_.reset();  // First, for the memory.
      own_ = std::make_shared<OwnDatabase>(setup_);
    }
    return own_;
  }

  const WorkerSetup setup_;
  std::mutex mutex_;                  // Guards own_.
  std::shared_ptr<OwnDatabase> own_;  // Shared with who is connecting.
};

}  // namespace

std::string FormatWorkerSetup(const WorkerSetup& setup) {
  return json{{"threads", setup.limits.threads},
              {"memory_bytes", setup.limits.memory_bytes},
              {"temp_dir", setup.limits.temp_dir},
              {"settings", setup.settings}}
      .dump();
}

RunTask MakeWorker(const std::string& setup_json) {
  WorkerSetup setup;
  try {
    json in = json::parse(setup_json);
    setup.limits.threads = in.value("threads", 0);
    setup.limits.memory_bytes = in.value("memory_bytes", uint64_t{0});
    setup.limits.temp_dir = in.value("temp_dir", std::string());
    if (setup.limits.threads == 0) setup.limits.threads = UsableCpus();
    setup.settings = in.value("settings", std::string());
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kInternal,
                std::string("A worker's setup can't be read: ") + error.what());
  }
  auto own = std::make_shared<ReplacedDatabase>(setup);  // Shared by the copies of the RunTask.
  own->Connect();  // Finds out now whether the session's settings work here.
  auto worker = std::make_shared<Worker>([own] { return own->Connect(); });
  return [worker](const std::string& spec, const std::atomic<bool>& cancelled) {
    return worker->Run(spec, cancelled);
  };
}

}  // namespace smallpond
