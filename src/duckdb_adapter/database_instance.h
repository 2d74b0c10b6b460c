#pragma once

#include "duckdb_adapter/database.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

struct Database::Instance {
  explicit Instance(duckdb::DBConfig& config) : duckdb(nullptr, &config) {}

  duckdb::DuckDB duckdb;
};

}  // namespace smallpond
