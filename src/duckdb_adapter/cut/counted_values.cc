#include "duckdb_adapter/cut/counted_values.h"

#include <algorithm>
#include <set>

#include "duckdb_adapter/analysis/order_dependence.h"
#include "duckdb_adapter/fragment/aggregate_states.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {

using duckdb::BoundAggregateExpression;
using duckdb::idx_t;
using duckdb::LogicalAggregate;

namespace {

// Whether few values are like others, as those of floating-point numbers: to count them takes
// longer than to move them.
bool AreMostlyApart(const duckdb::Expression& values) {
  if (values.GetExpressionClass() == duckdb::ExpressionClass::BOUND_CAST) {
    return AreMostlyApart(*values.Cast<duckdb::BoundCastExpression>().child);
  }
  return HasFloat(values.return_type);
}

}  // namespace

bool GoesByCounts(const BoundAggregateExpression& aggregate) {
  static const std::set<std::string> counting = {"mode", "histogram", "entropy"};
  static const std::set<std::string> sorting = {"median", "quantile", "quantile_cont",
                                                "quantile_disc", "mad"};
  if (aggregate.children.size() != 1 || aggregate.IsDistinct()) return false;
  if (aggregate.order_bys || aggregate.IsVolatile()) return false;
  const auto& values = *aggregate.children[0];
  if (HasEqualForms(values.return_type)) return false;  // One of several would stand for all.
  const std::string& name = aggregate.function.name;
  return counting.count(name) > 0 || (sorting.count(name) > 0 && !AreMostlyApart(values));
}

bool GoesByCounts(const LogicalAggregate& aggregate) {
  if (!aggregate.groups.empty() || aggregate.grouping_sets.size() > 1) return false;
  if (aggregate.expressions.empty()) return false;
  const auto& first = aggregate.expressions[0]->Cast<BoundAggregateExpression>();
  return std::all_of(
      aggregate.expressions.begin(), aggregate.expressions.end(), [&](const auto& expression) {
        const auto& one = expression->template Cast<BoundAggregateExpression>();
        return GoesByCounts(one) && duckdb::Expression::ListEquals(one.children, first.children);
      });
}

SplitAggregate SplitByCounts(duckdb::ClientContext& context, duckdb::Binder& binder,
                             LogicalAggregate& aggregate) {
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> counts;
  for (const auto& expression : aggregate.expressions) {
    const auto& one = expression->Cast<BoundAggregateExpression>();
    auto count = BindAggregate(context, "count_star", {});
    if (one.filter) count->Cast<BoundAggregateExpression>().filter = one.filter->Copy();
    counts.push_back(std::move(count));
  }
  const auto& first = aggregate.expressions[0]->Cast<BoundAggregateExpression>();
  SplitAggregate split;
  split.partial = NewAggregate(binder, Copies(first.children), std::move(counts));
  LogicalAggregate& partial = *split.partial;
  partial.children = std::move(aggregate.children);
  KeepEstimate(*partial.children[0], partial);
  partial.ResolveOperatorTypes();
  for (idx_t i = 0; i < aggregate.expressions.size(); ++i) {
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> value;
    value.push_back(
        ColumnRef(partial.groups[0]->return_type, duckdb::ColumnBinding(partial.group_index, 0)));
    split.merges.push_back(Repeated(aggregate.expressions[i]->Cast<BoundAggregateExpression>(),
                                    ColumnRef(partial.expressions[i]->return_type,
                                              duckdb::ColumnBinding(partial.aggregate_index, i)),
                                    std::move(value)));
  }
  return split;
}

}  // namespace smallpond
