#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "duckdb_adapter/exchange_codec.h"
#include "duckdb_adapter/statement.h"
#include "exchange/exchange_writer.h"

namespace smallpond {

class Connection;

/// How COPY … (FORMAT smallpond_exchange) writes.
struct ExchangeCopyOptions {
  /// With more than one the query's last column, of an integer type, is the row's partition number
  /// from 0 on. It is not stored.
  uint32_t num_partitions = 1;
  /// What all threads together may buffer, including what it becomes before it is written. A row
  /// that is larger is buffered all the same. 0: a share of the memory limit.
  uint64_t buffer_bytes = 0;
  ExchangeCodec codec = ExchangeCodec::kLz4;  ///< The default by measurement: docs/exchange.md.
  /// Keeps the query's order within each partition.
  bool ordered = false;
  /// What DuckDB is told to write to, which it asks whether the session may; empty: the path.
  /// Nothing is written there.
  std::string stand_in = {};
};

/// "TO 'path' (FORMAT smallpond_exchange, …)", to be put behind "COPY (query) ".
std::string ExchangeCopyTarget(const std::string& path, const ExchangeCopyOptions& options);

/// What the last COPY to an exchange file on this connection wrote. Once: then it is forgotten.
std::optional<ExchangeFileSummary> TakeExchangeWriteSummary(Connection& connection);

}  // namespace smallpond
