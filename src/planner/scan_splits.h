#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "plan/file_scan.h"
#include "smallpond/options.h"
#include "storage/input/splits.h"

namespace smallpond {

/// What cutting the files of a scan needs to know.
struct FilesToCut {
  bool is_parquet = false;
  const std::vector<std::string>& paths;
  const std::vector<std::optional<uint64_t>>& bytes;  ///< By position; none of remote files.
  /// Whether a Parquet file's rows can't be asked for by number, or its footer can't be read.
  std::function<bool(const std::string& path)> stays_whole;
  /// Gives the connection that reads footers. Called only where one is to be read.
  std::function<Connection&()> connection;
};

/// Cuts files into what tasks read, in the order of their paths, whose positions the splits name:
///
///   Parquet    small files together, large ones at row groups; reads the footers of large ones
///   CSV, JSON  small files together, large ones whole: only a reader knows where a row ends
///
/// A Parquet file with a column named file_row_number stays whole as well. Throws Io or
/// InvalidInput where a large file's footer can't be read.
std::vector<Split> CutScan(const FilesToCut& files, const SplitTarget& target);

/// Cuts the files of a scan that is not bound yet, `resolved.paths`. A Parquet file stays whole
/// where a folder key or an option of the scan takes the name file_row_number, or an option keeps
/// its rows from being numbered or its footer from being read.
std::vector<Split> PlanSplits(Connection& connection, const FileScan& scan,
                              const ResolvedScan& resolved, const SplitTarget& target);

/// Returns the splits that a session wants: `partitions` of them where that is set, else about
/// partition_size_bytes each and one for each task that runs at a time at least.
SplitTarget SplitTargetOf(const Options& options);

}  // namespace smallpond
