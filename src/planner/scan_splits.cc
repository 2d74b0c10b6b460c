#include "planner/scan_splits.h"
#include "base/text.h"
#include "base/worker_layout.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <string>

#include "duckdb_adapter/analysis/parquet_footers.h"
#include "storage/files/paths.h"

namespace smallpond {
namespace {

// DuckDB lets a folder's key of this name hide the row's number.
bool HasRowNumberKey(const std::string& path) {
  return Lower(path).find("/file_row_number=") != std::string::npos;
}

// Whether an option keeps rows from being asked for by number, or footers from being read.
bool KeepsFilesWhole(const FileScan& scan) {
  return std::any_of(scan.options.begin(), scan.options.end(), [](const auto& option) {
    std::string name = Lower(option.first);
    bool names_a_column = name == "filename" && Lower(option.second.text()) == "file_row_number";
    return names_a_column || name == "schema" || name == "encryption_config";
  });
}

}  // namespace

std::vector<Split> CutScan(const FilesToCut& files, const SplitTarget& target) {
  return CutFiles(files.bytes, target, [&](const std::vector<size_t>& large) {
    std::vector<std::vector<RowGroup>> row_groups(large.size());
    if (!files.is_parquet) return row_groups;
    std::vector<size_t> positions;
    std::vector<std::string> paths;
    for (size_t i = 0; i < large.size(); ++i) {
      const std::string& path = files.paths[large[i]];
      if (files.stays_whole(path)) continue;
      positions.push_back(i);
      paths.push_back(path);
    }
    if (paths.empty()) return row_groups;
    auto read = ReadRowGroups(files.connection(), paths);
    for (size_t i = 0; i < positions.size(); ++i) row_groups[positions[i]] = std::move(read[i]);
    return row_groups;
  });
}

std::vector<Split> PlanSplits(Connection& connection, const FileScan& scan,
                              const ResolvedScan& resolved, const SplitTarget& target) {
  std::map<std::string, uint64_t> local;
  for (const auto& file : resolved.files) local[file.path] = file.bytes;
  std::vector<std::optional<uint64_t>> bytes;
  for (const auto& path : resolved.paths) {
    auto found = local.find(path);
    bytes.push_back(found == local.end() ? std::nullopt : std::optional(found->second));
  }
  bool all_whole = KeepsFilesWhole(scan);
  FilesToCut files{
      .is_parquet = scan.function == "read_parquet",
      .paths = resolved.paths,
      .bytes = bytes,
      .stays_whole = [&](const std::string& path) { return all_whole || HasRowNumberKey(path); },
      .connection = [&]() -> Connection& { return connection; },
  };
  return CutScan(files, target);
}

SplitTarget SplitTargetOf(const Options& options) {
  // How many a cluster runs is known to its executor alone.
  bool is_here = options.executor != ExecutorKind::kRay;
  return {options.partition_size_bytes, is_here ? WorkerLayoutOf(options).tasks_at_a_time() : 1,
          options.partitions};
}

}  // namespace smallpond
