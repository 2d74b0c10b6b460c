#include "duckdb_adapter/analysis/inexact_values.h"

#include <string>

#include "duckdb/function/lambda_functions.hpp"
#include "duckdb_adapter/analysis/order_dependence.h"

namespace smallpond {
namespace {

using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::ExpressionType;

// Functions whose result jumps where their argument hardly changes: they round, compare, or look
// for something equal. What a lambda does to its elements is not looked at.
bool Jumps(const Expression& expression) {
  static const std::set<std::string> names = {
      "round", "round_even", "roundBankers", "floor", "ceil", "ceiling", "trunc", "even", "sign",
      "fmod", "mod", "%", "//", "divide", "fdiv",
      // Of lists and maps.
      "list_distinct", "array_distinct", "list_intersect", "array_intersect", "list_sort",
      "array_sort", "list_reverse_sort", "array_reverse_sort", "map_extract", "element_at",
      "map_extract_value"};
  if (expression.GetExpressionClass() != ExpressionClass::BOUND_FUNCTION) return false;
  const auto& call = expression.Cast<duckdb::BoundFunctionExpression>();
  bool has_lambda =
      dynamic_cast<const duckdb::ListLambdaBindData*>(call.bind_info.get()) != nullptr;
  return has_lambda || names.count(call.function.name) > 0;
}

bool IsTestForNull(const Expression& expression) {
  return expression.GetExpressionType() == ExpressionType::OPERATOR_IS_NULL ||
         expression.GetExpressionType() == ExpressionType::OPERATOR_IS_NOT_NULL;
}

}  // namespace

void InexactValues::Set(const duckdb::ColumnBinding& column, FragmentSet inexact) {
  if (inexact.empty()) return;
  columns_[column] = std::move(inexact);
}

FragmentSet InexactValues::Of(const duckdb::ColumnBinding& column) const {
  auto found = columns_.find(column);
  return found == columns_.end() ? FragmentSet() : found->second;
}

FragmentSet InexactValues::Of(const Expression& expression) {
  if (expression.GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF) {
    return Of(expression.Cast<duckdb::BoundColumnRefExpression>().binding);
  }
  FragmentSet inexact;
  duckdb::ExpressionIterator::EnumerateChildren(
      expression, [&](const Expression& child) { inexact.merge(Of(child)); });
  if (inexact.empty() || IsTestForNull(expression)) return {};
  if (HasFloat(expression.return_type) && !Jumps(expression)) return inexact;
  Decide(inexact);
  return {};
}

FragmentSet InexactValues::OfAll(
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions) {
  FragmentSet inexact;
  for (const auto& expression : expressions) inexact.merge(Of(*expression));
  return inexact;
}

void InexactValues::Decide(const FragmentSet& fragments) {
  decided_.insert(fragments.begin(), fragments.end());
}

}  // namespace smallpond
