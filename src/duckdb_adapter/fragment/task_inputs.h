#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "duckdb_adapter/exchange/exchange_scan.h"

namespace smallpond {

/// A file that a task reads, or a range of its rows.
struct ScanPart {
  std::string path;
  int64_t number = 0;  ///< Of the file, among all files of the scan, from 0.
  bool is_whole = true;
  int64_t row_begin = 0;  ///< By the number of the row in the file, from 0.
  int64_t row_end = 0;    ///< The row after the last one.
};

/// What one task reads of a scan. Empty: nothing.
struct ScanInput {
  std::vector<ScanPart> parts;
};

/// What one task reads, by the ids in its fragment. What a fragment has and is not here has no
/// rows for this task.
struct TaskInputs {
  std::map<int, ScanInput> scans;
  std::map<int, ExchangeInput> exchanges;
};

}  // namespace smallpond
