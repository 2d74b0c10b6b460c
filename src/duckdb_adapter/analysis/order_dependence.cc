#include "duckdb_adapter/analysis/order_dependence.h"

#include <algorithm>
#include <set>
#include <string>

#include "duckdb/common/type_visitor.hpp"

namespace smallpond {
namespace {

using duckdb::ExpressionType;
using duckdb::WindowBoundary;

bool IsOneOf(const std::set<std::string>& names, const duckdb::AggregateFunction& function) {
  return names.count(function.name) > 0;
}

bool CountsRows(WindowBoundary boundary) {
  return boundary == WindowBoundary::CURRENT_ROW_ROWS ||
         boundary == WindowBoundary::EXPR_PRECEDING_ROWS ||
         boundary == WindowBoundary::EXPR_FOLLOWING_ROWS;
}

}  // namespace

bool HasFloat(const duckdb::LogicalType& type) {
  return duckdb::TypeVisitor::Contains(type, [](const duckdb::LogicalType& part) {
    return part.id() == duckdb::LogicalTypeId::FLOAT || part.id() == duckdb::LogicalTypeId::DOUBLE;
  });
}

bool HasEqualForms(const duckdb::LogicalType& type) {
  return duckdb::TypeVisitor::Contains(type, [](const duckdb::LogicalType& part) {
    return part.id() == duckdb::LogicalTypeId::INTERVAL ||
           (part.id() == duckdb::LogicalTypeId::VARCHAR &&
            !duckdb::StringType::GetCollation(part).empty());
  });
}

bool Compares(const duckdb::AggregateFunction& function) {
  static const std::set<std::string> names = {"histogram",
                                              "histogram_exact",
                                              "mode",
                                              "entropy",
                                              "approx_top_k",
                                              "arg_min",
                                              "arg_max",
                                              "arg_min_null",
                                              "min_by",
                                              "max_by",
                                              "argmin",
                                              "argmax",
                                              "arg_max_null",
                                              "arg_min_nulls_last",
                                              "arg_max_nulls_last"};
  return IsOneOf(names, function);
}

OrderDependence OrderDependenceOf(const duckdb::AggregateFunction& function) {
  // Arithmetic, exact over integers and decimals.
  static const std::set<std::string> arithmetic = {"sum",
                                                   "sum_no_overflow",
                                                   "kahan_sum",
                                                   "fsum",
                                                   "sumkahan",
                                                   "avg",
                                                   "mean",
                                                   "favg",
                                                   "product",
                                                   "var_pop",
                                                   "var_samp",
                                                   "variance",
                                                   "stddev",
                                                   "stddev_pop",
                                                   "stddev_samp",
                                                   "sem",
                                                   "corr",
                                                   "covar_pop",
                                                   "covar_samp",
                                                   "regr_avgx",
                                                   "regr_avgy",
                                                   "regr_count",
                                                   "regr_intercept",
                                                   "regr_r2",
                                                   "regr_slope",
                                                   "regr_sxx",
                                                   "regr_sxy",
                                                   "regr_syy",
                                                   "skewness",
                                                   "kurtosis",
                                                   "kurtosis_pop"};
  // DuckDB counts these as dependent, as it does whatever says nothing else.
  static const std::set<std::string> independent = {"min",
                                                    "max",
                                                    "bit_and",
                                                    "bit_or",
                                                    "bit_xor",
                                                    "bitstring_agg",
                                                    "count_if",
                                                    "countif",
                                                    "histogram",
                                                    "histogram_exact",
                                                    "approx_count_distinct"};
  if (function.name == "entropy") return OrderDependence::kRounding;  // Sums what a hash map lists.
  bool has_float = std::any_of(function.arguments.begin(), function.arguments.end(), HasFloat);
  // The state of an aggregate that another task merges is a BLOB, made of the same arguments.
  bool is_state = function.GetReturnType().id() == duckdb::LogicalTypeId::BLOB;
  if (has_float && (is_state || IsOneOf(arithmetic, function))) return OrderDependence::kRounding;
  bool is_independent =
      function.GetOrderDependent() == duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT ||
      IsOneOf(arithmetic, function) || IsOneOf(independent, function);
  return is_independent ? OrderDependence::kNone : OrderDependence::kValue;
}

bool HasTotalOrder(const duckdb::BoundAggregateExpression& aggregate) {
  if (!aggregate.order_bys) return false;
  const auto& orders = aggregate.order_bys->orders;
  auto is_ordered = [&](const duckdb::unique_ptr<duckdb::Expression>& argument) {
    return argument->IsFoldable() ||
           std::any_of(orders.begin(), orders.end(),
                       [&](const auto& order) { return order.expression->Equals(*argument); });
  };
  return std::all_of(aggregate.children.begin(), aggregate.children.end(), is_ordered);
}

bool DependsOnTies(const duckdb::BoundWindowExpression& window) {
  switch (window.GetExpressionType()) {
    case ExpressionType::WINDOW_RANK:
    case ExpressionType::WINDOW_RANK_DENSE:
    case ExpressionType::WINDOW_PERCENT_RANK:
    case ExpressionType::WINDOW_CUME_DIST:
      return false;
    case ExpressionType::WINDOW_AGGREGATE:
      return CountsRows(window.start) || CountsRows(window.end) ||
             OrderDependenceOf(*window.aggregate) == OrderDependence::kValue;
    default:
      return true;
  }
}

}  // namespace smallpond
