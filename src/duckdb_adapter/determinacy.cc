#include "duckdb_adapter/determinacy.h"

#include <algorithm>

namespace smallpond {
namespace {

using duckdb::Expression;
using duckdb::ExpressionClass;

std::string IndeterminatePart(const Expression& expression) {
  if (expression.GetExpressionClass() == ExpressionClass::BOUND_FUNCTION) {
    const auto& function = expression.Cast<duckdb::BoundFunctionExpression>().function;
    bool is_volatile = function.GetStability() == duckdb::FunctionStability::VOLATILE;
    if (is_volatile && function.name != "error") return function.name + "()";
  }
  std::string part;
  duckdb::ExpressionIterator::EnumerateChildren(expression, [&](const Expression& child) {
    if (part.empty()) part = IndeterminatePart(child);
  });
  return part;
}

}  // namespace

std::string IndeterminatePart(duckdb::LogicalOperator& op) {
  switch (op.type) {
    case duckdb::LogicalOperatorType::LOGICAL_LIMIT:
    case duckdb::LogicalOperatorType::LOGICAL_TOP_N:
      return "LIMIT";
    case duckdb::LogicalOperatorType::LOGICAL_SAMPLE:
      return "SAMPLE";
    case duckdb::LogicalOperatorType::LOGICAL_DISTINCT:
      if (op.Cast<duckdb::LogicalDistinct>().distinct_type == duckdb::DistinctType::DISTINCT_ON)
        return "DISTINCT ON";
      break;
    default:
      break;
  }
  std::string part;
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      op, [&](duckdb::unique_ptr<Expression>* expression) {
        if (part.empty()) part = IndeterminatePart(**expression);
      });
  return part;
}

bool IsDeterminate(duckdb::LogicalOperator& plan) {
  if (!IndeterminatePart(plan).empty()) return false;
  return std::all_of(plan.children.begin(), plan.children.end(),
                     [](const auto& child) { return IsDeterminate(*child); });
}

}  // namespace smallpond
