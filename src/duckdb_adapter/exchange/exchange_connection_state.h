#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "exchange/exchange_writer.h"

namespace smallpond {

/// What a connection's exchange functions read from, and what they have to tell after a statement.
struct ExchangeConnectionState : duckdb::ClientContextState {
  static constexpr const char* kName = "smallpond_exchange";

  static duckdb::shared_ptr<ExchangeConnectionState> Of(duckdb::ClientContext& context) {
    return context.registered_state->GetOrCreate<ExchangeConnectionState>(kName);
  }

  struct PlannedRows {
    duckdb::vector<std::string> names;
    duckdb::vector<duckdb::LogicalType> types;
    duckdb::idx_t estimated_rows = 0;
  };

  std::mutex mutex;                                            // Guards everything below.
  std::map<int, PlannedRows> planned;                          // Inputs that have no files yet.
  std::map<int, std::shared_ptr<const ExchangeInput>> inputs;  // Shared with running scans.
  std::optional<ExchangeInput::Part> lost;
  std::optional<ExchangeFileSummary> written;
};

}  // namespace smallpond
