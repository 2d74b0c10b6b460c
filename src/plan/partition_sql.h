#pragma once

#include <string>

#include "plan/logical_plan.h"

namespace smallpond {

/// Returns the SQL expression for the partition's number of each row of `repartition`'s input, a
/// BIGINT of 0 to n-1. An expression for kColumn raises "partition key 10 is out of range 0-9"
/// where the data has such a row.
///
/// Hashing goes by a canonical form, so that equal values of different numeric types and NULLs
/// meet.
std::string PartitionExpression(const Repartition& repartition, int num_partitions);

/// Returns the condition that raises the same error for such a row, and holds for all others; ""
/// for the other ways, which have a partition for every row.
std::string PartitionCheck(const Repartition& repartition, int num_partitions);

/// Returns a name for the bookkeeping column that no column of `schema` has.
std::string PartitionColumnName(const Schema& schema);

}  // namespace smallpond
