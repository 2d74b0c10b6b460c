#include "duckdb_adapter/exchange/exchange_scan_data.h"

#include <algorithm>

namespace smallpond {

using duckdb::FunctionData;
using duckdb::idx_t;

const duckdb::column_t kWriterColumnId = duckdb::VIRTUAL_COLUMN_START + 1000;

void SerializeExchangeScan(duckdb::Serializer& serializer,
                           const duckdb::optional_ptr<FunctionData> bind_data,
                           const duckdb::TableFunction&) {
  auto& bind = bind_data->Cast<ExchangeScanData>();
  serializer.WriteProperty(100, "input_id", bind.input_id);
  serializer.WriteProperty(101, "names", bind.names);
  serializer.WriteProperty(102, "types", bind.types);
  serializer.WriteProperty(103, "ordered", bind.ordered);
  serializer.WriteProperty(104, "estimated_rows", bind.estimated_rows);
  serializer.WriteProperty(105, "one_row", bind.one_row);
}

duckdb::unique_ptr<FunctionData> DeserializeExchangeScan(duckdb::Deserializer& deserializer,
                                                         duckdb::TableFunction& function) {
  auto bind = duckdb::make_uniq<ExchangeScanData>();
  deserializer.ReadProperty(100, "input_id", bind->input_id);
  deserializer.ReadProperty(101, "names", bind->names);
  deserializer.ReadProperty(102, "types", bind->types);
  deserializer.ReadProperty(103, "ordered", bind->ordered);
  deserializer.ReadProperty(104, "estimated_rows", bind->estimated_rows);
  deserializer.ReadProperty(105, "one_row", bind->one_row);
  function.order_preservation_type = bind->ordered ? duckdb::OrderPreservationType::INSERTION_ORDER
                                                   : duckdb::OrderPreservationType::NO_ORDER;
  return bind;
}

duckdb::virtual_column_map_t ExchangeVirtualColumns(duckdb::ClientContext&,
                                                    duckdb::optional_ptr<FunctionData> bind_data) {
  duckdb::virtual_column_map_t columns;
  columns.emplace(duckdb::COLUMN_IDENTIFIER_EMPTY,  // For count(*).
                  duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN));
  columns.emplace(kWriterColumnId,
                  duckdb::TableColumn(WriterColumn(bind_data->Cast<ExchangeScanData>().names),
                                      duckdb::LogicalType::BIGINT));
  return columns;
}

std::optional<int> ExchangeInputId(const duckdb::LogicalGet& get) {
  if (get.function.name != kExchangeScanName) return std::nullopt;
  return get.bind_data->Cast<ExchangeScanData>().input_id;
}

std::string WriterColumn(const duckdb::vector<std::string>& names) {
  std::string name = "smallpond_writer";
  auto is_name = [&](const std::string& other) {
    return duckdb::StringUtil::CIEquals(other, name);
  };
  while (std::any_of(names.begin(), names.end(), is_name)) name += "_";
  return name;
}

duckdb::unique_ptr<FunctionData> MakeExchangeScanBindData(int input_id,
                                                          duckdb::vector<std::string> names,
                                                          duckdb::vector<duckdb::LogicalType> types,
                                                          bool ordered, idx_t estimated_rows) {
  auto bind = duckdb::make_uniq<ExchangeScanData>();
  bind->input_id = input_id;
  bind->names = std::move(names);
  bind->types = std::move(types);
  bind->ordered = ordered;
  bind->estimated_rows = estimated_rows;
  return bind;
}

}  // namespace smallpond
