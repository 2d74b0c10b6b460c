#pragma once

#include <cstdint>
#include <vector>

#include "duckdb_adapter/duckdb_internal.h"
#include "exchange/exchange_output.h"

namespace smallpond {

/// Appends the partition of each row of a chunk, whose columns from `first_key` on are the keys.
/// Throws DuckDB's InvalidInput where a number is NULL or no partition's.
void AppendRowPartitions(duckdb::DataChunk& chunk, size_t first_key, PartitionFunction function,
                         uint32_t num_partitions, std::vector<uint32_t>& partitions);

}  // namespace smallpond
