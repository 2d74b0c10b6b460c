#include "duckdb_adapter/cut/distribution.h"

namespace smallpond {

std::vector<HashKey> ProjectKeys(
    const std::vector<HashKey>& keys, duckdb::idx_t table_index,
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions) {
  std::vector<HashKey> projected;
  for (const auto& key : keys) {
    HashKey out{{}, key.type};
    for (duckdb::idx_t i = 0; i < expressions.size(); ++i) {
      if (expressions[i]->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF)
        continue;
      auto& column = expressions[i]->Cast<duckdb::BoundColumnRefExpression>();
      if (key.Has(column.binding)) out.bindings.emplace_back(table_index, i);
    }
    if (out.bindings.empty()) return {};
    projected.push_back(std::move(out));
  }
  return projected;
}

std::vector<size_t> FindKeys(const std::vector<HashKey>& keys,
                             const std::vector<duckdb::Expression*>& expressions) {
  std::vector<size_t> positions;
  for (const auto& key : keys) {
    size_t i = 0;
    for (; i < expressions.size(); ++i) {
      if (expressions[i]->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF)
        continue;
      auto& column = expressions[i]->Cast<duckdb::BoundColumnRefExpression>();
      if (column.return_type == key.type && key.Has(column.binding)) break;
    }
    if (i == expressions.size()) return {};
    positions.push_back(i);
  }
  return positions;
}

}  // namespace smallpond
