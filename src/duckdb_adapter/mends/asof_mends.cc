#include "duckdb_adapter/mends/asof_mends.h"

#include <algorithm>
#include <utility>

#include "duckdb/optimizer/optimizer_extension.hpp"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {
namespace {

using duckdb::ExpressionType;
using duckdb::LogicalComparisonJoin;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::LogicalType;
using ExpressionPtr = duckdb::unique_ptr<duckdb::Expression>;

ExpressionPtr TestNull(ExpressionType test, const duckdb::Expression& value) {
  auto expression = duckdb::make_uniq<duckdb::BoundOperatorExpression>(test, LogicalType::BOOLEAN);
  expression->children.push_back(value.Copy());
  return expression;
}

ExpressionPtr Or(ExpressionPtr one, ExpressionPtr other) {
  if (!one) return other;
  return duckdb::make_uniq<duckdb::BoundConjunctionExpression>(ExpressionType::CONJUNCTION_OR,
                                                               std::move(one), std::move(other));
}

void RemoveNulls(duckdb::unique_ptr<LogicalOperator>& rows, const duckdb::Expression& value) {
  auto filter = duckdb::make_uniq<duckdb::LogicalFilter>(
      TestNull(ExpressionType::OPERATOR_IS_NOT_NULL, value));
  filter->children.push_back(std::move(rows));
  rows = std::move(filter);
}

// Whether a key beside which DuckDB compares others wrongly: one of a nested type, and NULL that is
// a value like others.
bool StandsAlone(const duckdb::JoinCondition& condition) {
  return condition.left->return_type.IsNested() ||
         condition.comparison == ExpressionType::COMPARE_NOT_DISTINCT_FROM;
}

// False equals false; a row of the left side with NULL has true, and one of the right side NULL.
duckdb::JoinCondition NoneIsNull(const duckdb::vector<duckdb::JoinCondition>& conditions) {
  duckdb::JoinCondition none;
  for (const auto& one : conditions) {
    none.left = Or(std::move(none.left), TestNull(ExpressionType::OPERATOR_IS_NULL, *one.left));
    none.right = Or(std::move(none.right),
                    duckdb::make_uniq<duckdb::BoundComparisonExpression>(
                        ExpressionType::COMPARE_NOTEQUAL, one.right->Copy(), one.right->Copy()));
  }
  none.comparison = ExpressionType::COMPARE_EQUAL;
  return none;
}

// Conditions on values that differ at each look stay as they are.
void PassOverNulls(LogicalComparisonJoin& join) {
  const auto& conditions = join.conditions;
  bool is_volatile = std::any_of(conditions.begin(), conditions.end(), [](const auto& one) {
    return one.left->IsVolatile() || one.right->IsVolatile();
  });
  if (is_volatile) return;
  if (join.join_type != duckdb::JoinType::INNER) {
    if (std::any_of(conditions.begin(), conditions.end(), StandsAlone)) return;
    join.conditions.insert(join.conditions.begin(), NoneIsNull(conditions));
    return;
  }
  for (const auto& condition : conditions) {
    if (condition.comparison == ExpressionType::COMPARE_NOT_DISTINCT_FROM) continue;
    RemoveNulls(join.children[0], *condition.left);
    RemoveNulls(join.children[1], *condition.right);
  }
}

void MendAll(LogicalOperator& plan) {
  for (auto& child : plan.children) MendAll(*child);
  if (plan.type != LogicalOperatorType::LOGICAL_ASOF_JOIN) return;
  PassOverNulls(plan.Cast<LogicalComparisonJoin>());
}

}  // namespace

void MendAsofJoins(duckdb::DatabaseInstance& database) {
  duckdb::OptimizerExtension rule;
  rule.pre_optimize_function = [](duckdb::OptimizerExtensionInput&,
                                  duckdb::unique_ptr<LogicalOperator>& plan) { MendAll(*plan); };
  duckdb::OptimizerExtension::Register(duckdb::DBConfig::GetConfig(database), std::move(rule));
}

}  // namespace smallpond
