#pragma once

#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/sql/schema.h"

namespace smallpond {

struct Schema::Types {
  duckdb::vector<duckdb::LogicalType> list;
};

}  // namespace smallpond
