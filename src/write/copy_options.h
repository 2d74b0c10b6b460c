#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/sql/schema.h"
#include "smallpond/options.h"
#include "storage/output/output_manifest.h"

namespace smallpond {

/// The parts of a COPY statement that follow from a format and a user's options.
struct CopyOptions {
  /// Checks everything that can be checked before rows are computed. Throws InvalidInput for a
  /// column that does not exist, what ReadFormatOptions refuses, keys that leave no column or hide
  /// one.
  CopyOptions(const std::string& format, const Schema& schema, const WriteOptions& options);

  std::string ending;   ///< ".parquet", ".csv.gz" …
  std::string options;  ///< "FORMAT parquet, COMPRESSION zstd"
  std::string dialect;  ///< As in FormatOptions.
  std::string encryption;
  bool is_parquet = false;
  std::vector<PartitionColumn> partition_by;
  std::string partition_list;  ///< The quoted columns of partition_by.
  std::string sort_list;       ///< What follows ORDER BY.
};

}  // namespace smallpond
