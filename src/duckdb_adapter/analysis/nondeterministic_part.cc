#include "duckdb_adapter/analysis/nondeterministic_part.h"

#include <algorithm>

namespace smallpond {
namespace {

using duckdb::Expression;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

// Returns the name of the first function for which `is_it` holds, or "".
template <class Predicate>
std::string FindCall(const Expression& expression, const Predicate& is_it) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION) {
    const auto& function = expression.Cast<duckdb::BoundFunctionExpression>().function;
    if (is_it(function)) return function.name;
  }
  std::string name;
  duckdb::ExpressionIterator::EnumerateChildren(expression, [&](const Expression& child) {
    if (name.empty()) name = FindCall(child, is_it);
  });
  return name;
}

bool IsError(const duckdb::ScalarFunction& function) { return function.name == "error"; }

bool IsVolatile(const duckdb::ScalarFunction& function) {
  return function.GetStability() == duckdb::FunctionStability::VOLATILE && !IsError(function);
}

}  // namespace

std::string NondeterministicPart(LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_TOP_N:
      return "LIMIT";
    case LogicalOperatorType::LOGICAL_SAMPLE:
      return "SAMPLE";
    case LogicalOperatorType::LOGICAL_DISTINCT:
      if (op.Cast<duckdb::LogicalDistinct>().distinct_type == duckdb::DistinctType::DISTINCT_ON)
        return "DISTINCT ON";
      return VolatilePart(op);
    default:
      return VolatilePart(op);
  }
}

std::string VolatilePart(LogicalOperator& op) {
  std::string name;
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      op, [&](duckdb::unique_ptr<Expression>* expression) {
        if (name.empty()) name = FindCall(**expression, IsVolatile);
      });
  return name.empty() ? name : name + "()";
}

bool HasSample(const LogicalOperator& op) {
  if (op.type == LogicalOperatorType::LOGICAL_SAMPLE) return true;
  return op.type == LogicalOperatorType::LOGICAL_GET &&
         op.Cast<duckdb::LogicalGet>().extra_info.sample_options;
}

bool CallsError(const LogicalOperator& op) {
  return std::any_of(op.expressions.begin(), op.expressions.end(), [](const auto& expression) {
    return !FindCall(*expression, IsError).empty();
  });
}

}  // namespace smallpond
