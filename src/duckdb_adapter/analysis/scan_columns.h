#pragma once

#include <cstddef>
#include <map>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Returns the columns that a scan gives, by their position among those of what it reads: it may
/// leave some of them out. Columns that only the scan has, such as a row's number, are not there.
std::map<size_t, duckdb::ColumnBinding> ColumnsRead(duckdb::LogicalGet& get);

}  // namespace smallpond
