#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "duckdb_adapter/analysis/determinism.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Whether an expression is a column as it is.
inline bool IsColumn(const duckdb::Expression& expression, const duckdb::ColumnBinding& binding) {
  return expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF &&
         expression.Cast<duckdb::BoundColumnRefExpression>().binding == binding;
}

/// Keys that decide a place: of a sort, or of a window with its partitions.
inline std::vector<const duckdb::Expression*> SortKeys(
    const duckdb::vector<duckdb::BoundOrderByNode>& orders) {
  std::vector<const duckdb::Expression*> keys;
  for (const auto& order : orders) keys.push_back(order.expression.get());
  return keys;
}

/// What is known about the rows of an operator.
struct KnownRows {
  std::optional<FragmentSet> order;           ///< As in OutputFacts.
  std::vector<duckdb::ColumnBinding> unique;  ///< As in OutputFacts.
  bool one_row = false;

  /// Whether no two rows have the same values of these.
  bool AreApartBy(const std::vector<const duckdb::Expression*>& keys) const {
    if (one_row) return true;
    auto is_key = [&](const duckdb::ColumnBinding& column) {
      return std::any_of(keys.begin(), keys.end(),
                         [&](const duckdb::Expression* key) { return IsColumn(*key, column); });
    };
    return !unique.empty() && std::all_of(unique.begin(), unique.end(), is_key);
  }
};

}  // namespace smallpond
