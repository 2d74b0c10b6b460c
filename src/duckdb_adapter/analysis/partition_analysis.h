#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/sql/schema.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

/// How the rows of a table are spread.
struct Partitioning {
  int num_partitions = 1;  ///< 1: not spread.
  /// Equal rows of two tables with the same layout lie in the same partition, for example
  /// "hash/10". Empty: rows lie anywhere.
  std::string layout;
  /// Positions of the columns that decide the partition; empty with an empty layout.
  std::vector<int> key_columns;
};

/// What a query's input looks like from outside.
struct QueryInput {
  Schema schema;
  Partitioning partitioning;
  bool ordered = false;       ///< Whether its rows come in an order that was asked for.
  bool deterministic = true;  ///< Whether computing it twice gives the same rows.
};

/// What is known about running a query on each partition.
struct PartitionFacts {
  Schema schema;  ///< Of the query's result.
  /// Whether the partitions' results, one after the other, are the global answer.
  bool per_partition = true;
  std::string reason;  ///< Where they are not: the construct that sees rows of several partitions.
  bool ordered = false;              ///< Whether the rows come in an order that the query asks for.
  bool reads_elsewhere = true;       ///< Whether it reads more than its inputs: files, tables …
  bool deterministic = true;         ///< Whether two runs, inputs included, give the same rows.
  std::optional<double> file_bytes;  ///< Of the files by name, with measures_files.
  Partitioning result;               ///< How the results are spread where per_partition.
};

/// Binds `query` over inputs without rows and finds out whether it may be run per partition. The
/// analysis walks DuckDB's bound plan bottom-up and keeps, for each operator, whether its rows are
/// the same in every partition (whole), are a disjoint cut of the global rows (partitioned, and by
/// which columns), or neither. What it does not know counts as neither. Throws InvalidInput where
/// the query doesn't bind.
PartitionFacts AnalyzePartitions(Connection& connection, const Statement& query,
                                 const std::map<std::string, QueryInput>& inputs,
                                 bool measures_files = false);

}  // namespace smallpond
