#include "duckdb_adapter/mends/window_mends.h"

#include <utility>

#include "duckdb/optimizer/optimizer_extension.hpp"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {
namespace {

// Whether the rewrite orders these values as a sort does.
bool HasOneOrder(const duckdb::LogicalType& type) {
  return !type.IsNested() && type.id() != duckdb::LogicalTypeId::FLOAT &&
         type.id() != duckdb::LogicalTypeId::DOUBLE;
}

bool IsRewrittenRight(const duckdb::BoundWindowExpression& window) {
  const auto& key = *window.orders[0].expression;
  return !window.partitions.empty() && window.arg_orders.empty() &&
         key.GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF &&
         HasOneOrder(key.return_type);
}

// The rewrite needs a filter above the window, and passes over windows with two keys; a second one
// that is the same in all rows changes no order.
void PassOverWrongRewrites(duckdb::LogicalOperator& plan, bool is_filtered) {
  is_filtered = is_filtered || plan.type == duckdb::LogicalOperatorType::LOGICAL_FILTER;
  for (auto& child : plan.children) PassOverWrongRewrites(*child, is_filtered);
  if (!is_filtered || plan.type != duckdb::LogicalOperatorType::LOGICAL_WINDOW) return;
  for (auto& expression : plan.expressions) {
    if (expression->GetExpressionType() != duckdb::ExpressionType::WINDOW_ROW_NUMBER) continue;
    auto& window = expression->Cast<duckdb::BoundWindowExpression>();
    if (window.orders.size() != 1 || IsRewrittenRight(window)) continue;
    window.orders.emplace_back(
        duckdb::OrderType::ASCENDING, duckdb::OrderByNullType::NULLS_LAST,
        duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value::BOOLEAN(true)));
  }
}

}  // namespace

void MendFirstRowsOfWindows(duckdb::DatabaseInstance& database) {
  auto& config = duckdb::DBConfig::GetConfig(database);
  duckdb::OptimizerExtension rule;
  rule.pre_optimize_function = [](duckdb::OptimizerExtensionInput& input,
                                  duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
    const auto& off = duckdb::DBConfig::GetConfig(input.context).options.disabled_optimizers;
    if (!off.count(duckdb::OptimizerType::TOP_N_WINDOW_ELIMINATION))
      PassOverWrongRewrites(*plan, false);
  };
  duckdb::OptimizerExtension::Register(config, std::move(rule));
}

}  // namespace smallpond
