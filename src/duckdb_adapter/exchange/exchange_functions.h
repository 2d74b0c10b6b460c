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

/// The table function smallpond_exchange_scan, for a LogicalGet. In SQL it takes an input's id and
/// finds names and types in what is planned of it, or else in its first file.
duckdb::TableFunction ExchangeScanFunction();

/// Returns the input's id of a LogicalGet over that function; nothing where `get` is none.
std::optional<int> ExchangeInputId(const duckdb::LogicalGet& get);

/// Bind data for a LogicalGet over ExchangeScanFunction(). `ordered` keeps the order of parts and
/// of the rows in them, as far as the plan above does.
duckdb::unique_ptr<duckdb::FunctionData> MakeExchangeScanBindData(
    int input_id, duckdb::vector<std::string> names, duckdb::vector<duckdb::LogicalType> types,
    bool ordered, duckdb::idx_t estimated_rows);

/// The name under which such a scan offers the number of the task that wrote a row: one that no
/// column of `names` has.
std::string WriterColumn(const duckdb::vector<std::string>& names);

/// The COPY format smallpond_exchange.
duckdb::CopyFunction ExchangeCopyFunction();

}  // namespace smallpond
