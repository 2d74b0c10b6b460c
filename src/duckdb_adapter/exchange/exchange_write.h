#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "duckdb_adapter/exchange/exchange_codec.h"
#include "duckdb_adapter/sql/statement.h"
#include "exchange/exchange_output.h"
#include "exchange/exchange_writer.h"

namespace duckdb {
class CopyFunction;
}

namespace smallpond {

class Connection;

/// The COPY format smallpond_exchange.
duckdb::CopyFunction ExchangeCopyFunction();

/// How COPY … (FORMAT smallpond_exchange) writes.
struct ExchangeCopyOptions {
  /// The query's last columns are the keys, where there are several partitions. `num_columns` says
  /// nothing here.
  ExchangeOutput output = {};
  /// What all threads together may buffer, including what it becomes before it is written. A row
  /// that is larger is buffered all the same. 0: a share of the memory limit.
  uint64_t buffer_bytes = 0;
  ExchangeCodec codec = ExchangeCodec::kLz4;  ///< The default by measurement: docs/exchange.md.
  /// What DuckDB is told to write to, which it asks whether the session may; empty: the path.
  /// Nothing is written there.
  std::string stand_in = {};
};

/// "TO 'path' (FORMAT smallpond_exchange, …)", to be put behind "COPY (query) ".
std::string ExchangeCopyTarget(const std::string& path, const ExchangeCopyOptions& options);

/// What the last COPY to an exchange file on this connection wrote. Once: then it is forgotten.
std::optional<ExchangeFileSummary> TakeExchangeWriteSummary(Connection& connection);

}  // namespace smallpond
