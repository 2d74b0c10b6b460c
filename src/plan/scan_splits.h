#pragma once

#include <vector>

#include "duckdb_adapter/connection.h"
#include "plan/file_scan.h"
#include "smallpond/options.h"
#include "storage/splits.h"

namespace smallpond {

/// Cuts the files of a scan into what its tasks read, in the order of `resolved.paths`, whose
/// positions the splits name:
///
///   Parquet    small files together, large ones at row groups; reads the footers of large ones
///   only CSV, JSON  one file a split, since only a reader knows where a row ends
///
/// A Parquet file stays whole where a number of a row in it can't be asked for: a column, a folder
/// key or an option of the scan takes the name file_row_number. Throws Io or InvalidInput where a
/// large file's footer can't be read.
std::vector<Split> PlanSplits(Connection& connection, const FileScan& scan,
                              const ResolvedScan& resolved, const SplitTarget& target);

/// Returns the splits that a session wants: `partitions` of them where that is set, else about
/// partition_size_bytes each and one a thread at least.
SplitTarget SplitTargetOf(const Options& options);

}  // namespace smallpond
