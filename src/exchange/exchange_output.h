#pragma once

#include <cstdint>

namespace smallpond {

/// What makes a row's partition of its keys. Rows of two outputs meet where both have the same
/// function, key types and number of partitions.
enum class PartitionFunction {
  kNumber,  ///< The one key, of an integer type, is the partition's number, from 0 on.
  kHash,    ///< DuckDB's hash() of the keys in their order, modulo the number of partitions.
  kModulo,  ///< The one key, of an integer type and not negative, modulo that number.
  /// The one key, of an integer type, is the number of a range below kRangeNumbers. Neighbouring
  /// ranges share a partition.
  kRange,
};

constexpr uint64_t kRangeNumbers = 65'536;

/// Whether any number of partitions will do, so that whoever plans the job decides.
inline bool FitsAnyPartitions(PartitionFunction function) {
  return function == PartitionFunction::kHash || function == PartitionFunction::kRange;
}

/// What a stage writes for others to read: which columns, and which row goes where. `num_columns`
/// columns of the rows, then `num_keys` that are not stored.
struct ExchangeOutput {
  int num_columns = 0;
  int num_keys = 0;  ///< 0: one partition.
  PartitionFunction function = PartitionFunction::kHash;
  int num_partitions = 1;
  bool ordered = false;  ///< Keeps the rows' order within each partition.
};

}  // namespace smallpond
