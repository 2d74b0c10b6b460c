#pragma once

#include <optional>
#include <string>

#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/row_order.h"

namespace smallpond {

constexpr const char* kExchangeScanName = "smallpond_exchange_scan";
/// Of the virtual column that holds the number of the task that wrote a row.
extern const duckdb::column_t kWriterColumnId;

/// What a scan of an exchange input is bound to.
struct ExchangeScanData : CountedScanData {
  int input_id = 0;
  bool ordered = false;
  duckdb::idx_t estimated_rows = 0;
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<ExchangeScanData>(*this);
  }
  bool Equals(const duckdb::FunctionData& other_data) const override {
    auto& other = other_data.Cast<ExchangeScanData>();
    return input_id == other.input_id && ordered == other.ordered && types == other.types;
  }
};

/// Returns the input's id of a LogicalGet over ExchangeScanFunction(); nothing where `get` is none.
std::optional<int> ExchangeInputId(const duckdb::LogicalGet& get);

/// Bind data for a LogicalGet over ExchangeScanFunction(). `ordered` keeps the order of parts and
/// of the rows in them, as far as the plan above does.
duckdb::unique_ptr<duckdb::FunctionData> MakeExchangeScanBindData(
    int input_id, duckdb::vector<std::string> names, duckdb::vector<duckdb::LogicalType> types,
    bool ordered, duckdb::idx_t estimated_rows);

/// The name under which such a scan offers the number of the task that wrote a row: one that no
/// column of `names` has.
std::string WriterColumn(const duckdb::vector<std::string>& names);

// As DuckDB calls them.
void SerializeExchangeScan(duckdb::Serializer& serializer,
                           const duckdb::optional_ptr<duckdb::FunctionData> bind_data,
                           const duckdb::TableFunction& function);
duckdb::unique_ptr<duckdb::FunctionData> DeserializeExchangeScan(duckdb::Deserializer& deserializer,
                                                                 duckdb::TableFunction& function);
duckdb::virtual_column_map_t ExchangeVirtualColumns(
    duckdb::ClientContext& context, duckdb::optional_ptr<duckdb::FunctionData> bind_data);

}  // namespace smallpond
