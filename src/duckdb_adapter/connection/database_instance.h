#pragma once

#include <map>
#include <string>

#include "duckdb_adapter/connection/database.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

struct Database::Instance {
  explicit Instance(duckdb::DBConfig& config) : duckdb(nullptr, &config) {}

  /// By DuckDB's name. Set before the first connection.
  std::map<std::string, duckdb::Value> own_settings;
  duckdb::DuckDB duckdb;
};

}  // namespace smallpond
