#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace smallpond {

/// What one DuckDB may use.
struct DatabaseLimits {
  /// 0: an equal share of the process's budget with all other such databases.
  uint64_t memory_bytes = 0;
  int threads = 1;
  std::string temp_dir;  ///< A folder to spill to, of nobody else. Empty: it can't spill.
  /// Leads this process to the same folder, whatever has its name by then. Empty: `temp_dir` does.
  std::string opened_temp_dir = {};
};

/// One DuckDB in memory. Any thread may open connections on it. It lives as long as it or one of
/// its connections does.
class Database {
 public:
  struct Instance;  // duckdb_adapter/database_instance.h

  explicit Database(const DatabaseLimits& limits);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Instance& instance() { return *instance_; }
  const DatabaseLimits& limits() const { return limits_; }
  /// Interrupts every connection of every database of this process.
  static void InterruptAll();
  /// Whether it has failed for good, so that it has to be replaced (see Connection::IsBroken). Any
  /// thread may call it.
  bool IsBroken() const;
  /// The memory limit in force now.
  uint64_t MemoryLimitBytes() const;

 private:
  DatabaseLimits limits_;
  std::unique_ptr<Instance> instance_;
};

/// The version of the library that was loaded, for example "v1.5.5".
std::string LoadedDuckDBVersion();

}  // namespace smallpond
