#include "duckdb_adapter/analysis/scan_columns.h"

namespace smallpond {

std::map<size_t, duckdb::ColumnBinding> ColumnsRead(duckdb::LogicalGet& get) {
  std::map<size_t, duckdb::ColumnBinding> read;
  auto columns = get.GetColumnBindings();
  for (size_t i = 0; i < columns.size(); ++i) {
    size_t place = get.projection_ids.empty() ? i : get.projection_ids[i];
    const auto& id = get.GetColumnIds()[place];
    if (!id.IsVirtualColumn()) read.emplace(id.GetPrimaryIndex(), columns[i]);
  }
  return read;
}

}  // namespace smallpond
