#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Returns the columns that a scan gives, by their position among those of what it reads: it may
/// leave some of them out. Columns that only the scan has, such as a row's number, are not there.
std::map<size_t, duckdb::ColumnBinding> ColumnsRead(duckdb::LogicalGet& get);

/// Whether an operator is a scan that reads files that it looks for each time it runs, by paths
/// that mean the same in every process. Any one task can do that; nobody knows that another attempt
/// finds the same.
bool LooksForFiles(const duckdb::LogicalOperator& op);

/// Whether a table function makes its rows of its arguments, or of the rows below it: it reads no
/// files and no tables.
bool ReadsNothing(const duckdb::LogicalGet& get);

/// Returns how large the files are together that a bound plan scans. Nothing where it reads
/// something else as well, a remote file, or more files than it costs little to look at.
std::optional<double> BytesOfFiles(const duckdb::LogicalOperator& plan);

}  // namespace smallpond
