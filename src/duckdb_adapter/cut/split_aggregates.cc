#include "duckdb_adapter/cut/split_aggregates.h"

#include <set>

#include "duckdb/catalog/catalog_entry/aggregate_function_catalog_entry.hpp"
#include "duckdb/function/function_binder.hpp"
#include "duckdb_adapter/fragment/aggregate_states.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::BoundAggregateExpression;
using duckdb::Expression;
using duckdb::idx_t;
using duckdb::LogicalAggregate;
using ExpressionPtr = duckdb::unique_ptr<Expression>;

bool IsSum(const std::string& name) { return name == "sum" || name == "sum_no_overflow"; }

// Aggregates whose results are merged by themselves.
bool MergesByItself(const BoundAggregateExpression& aggregate) {
  static const std::set<std::string> names = {"min",     "max",    "bool_and", "bool_or",
                                              "bit_and", "bit_or", "bit_xor"};
  return names.count(aggregate.function.name) > 0 && aggregate.children.size() == 1;
}

// The aggregate of a part's rows.
ExpressionPtr PartialOf(const BoundAggregateExpression& aggregate) {
  if (IsOfStates(aggregate)) return PartOfStates(aggregate);
  return HasPlainState(aggregate) ? StateOf(aggregate) : aggregate.Copy();
}

// The aggregate that puts the parts' results together.
ExpressionPtr MergeParts(duckdb::ClientContext& context, const BoundAggregateExpression& aggregate,
                         ExpressionPtr parts) {
  const std::string& name = aggregate.function.name;
  if (IsOfStates(aggregate)) return MergeOfStates(aggregate, std::move(parts));
  if (HasPlainState(aggregate)) return MergeOf(aggregate, std::move(parts));
  if (MergesByItself(aggregate)) return BindAggregate(context, name, std::move(parts));
  return BindAggregate(context, "sum", std::move(parts));  // Counts are summed as well.
}

}  // namespace

ExpressionPtr BindAggregate(duckdb::ClientContext& context, const std::string& name,
                            ExpressionPtr argument) {
  auto& entry =
      duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::AggregateFunctionCatalogEntry>(
          context, DEFAULT_SCHEMA, name);
  auto function = entry.functions.GetFunctionByArguments(context, {argument->return_type});
  duckdb::vector<ExpressionPtr> arguments;
  arguments.push_back(std::move(argument));
  return duckdb::FunctionBinder(context).BindAggregateFunction(function, std::move(arguments));
}

bool IsCount(const BoundAggregateExpression& aggregate) {
  const std::string& name = aggregate.function.name;
  return name == "count" || name == "count_star";
}

bool CanSplit(const BoundAggregateExpression& aggregate) {
  if (aggregate.IsDistinct() || aggregate.order_bys) return false;
  const std::string& name = aggregate.function.name;
  return IsCount(aggregate) || (IsSum(name) && aggregate.children.size() == 1) ||
         MergesByItself(aggregate) || HasPlainState(aggregate) || IsOfStates(aggregate);
}

bool CanSplit(const LogicalAggregate& aggregate) {
  return std::all_of(aggregate.expressions.begin(), aggregate.expressions.end(),
                     [](const auto& expression) {
                       return CanSplit(expression->template Cast<BoundAggregateExpression>());
                     });
}

SplitAggregate Split(duckdb::ClientContext& context, duckdb::Binder& binder,
                     LogicalAggregate& aggregate) {
  SplitAggregate split;
  duckdb::vector<ExpressionPtr> partials;
  for (const auto& expression : aggregate.expressions) {
    partials.push_back(PartialOf(expression->Cast<BoundAggregateExpression>()));
  }
  split.partial = NewAggregate(binder, Copies(aggregate.groups), std::move(partials));
  split.partial->children = std::move(aggregate.children);
  KeepEstimate(aggregate, *split.partial);
  split.partial->ResolveOperatorTypes();
  for (idx_t i = 0; i < aggregate.expressions.size(); ++i) {
    const auto& original = aggregate.expressions[i]->Cast<BoundAggregateExpression>();
    ExpressionPtr parts = ColumnRef(split.partial->expressions[i]->return_type,
                                    duckdb::ColumnBinding(split.partial->aggregate_index, i));
    split.merges.push_back(MergeParts(context, original, std::move(parts)));
  }
  return split;
}

bool ExpandDistinct(duckdb::ClientContext& context, duckdb::Binder& binder,
                    LogicalAggregate& aggregate) {
  // All DISTINCT aggregates must be over the same arguments, and the others must split.
  const BoundAggregateExpression* distinct = nullptr;
  for (const auto& expression : aggregate.expressions) {
    const auto& one = expression->Cast<BoundAggregateExpression>();
    if (one.order_bys) return false;
    if (!one.IsDistinct()) {
      if (!CanSplit(one)) return false;
      continue;
    }
    if (one.filter) return false;
    if (!distinct) distinct = &one;
    if (!Expression::ListEquals(one.children, distinct->children)) return false;
  }
  if (!distinct) return false;

  idx_t num_groups = aggregate.groups.size();
  auto groups = Copies(aggregate.groups);
  for (const auto& argument : distinct->children) groups.push_back(argument->Copy());
  duckdb::vector<ExpressionPtr> partials;
  for (const auto& expression : aggregate.expressions) {
    const auto& one = expression->Cast<BoundAggregateExpression>();
    if (!one.IsDistinct()) partials.push_back(PartialOf(one));
  }
  auto inner = NewAggregate(binder, std::move(groups), std::move(partials));
  inner->children = std::move(aggregate.children);
  inner->ResolveOperatorTypes();

  idx_t next_partial = 0;
  for (auto& expression : aggregate.expressions) {
    auto& one = expression->Cast<BoundAggregateExpression>();
    if (one.IsDistinct()) {
      for (idx_t i = 0; i < one.children.size(); ++i) {
        one.children[i] = ColumnRef(one.children[i]->return_type,
                                    duckdb::ColumnBinding(inner->group_index, num_groups + i));
      }
      one.aggr_type = duckdb::AggregateType::NON_DISTINCT;
    } else {
      auto type = inner->expressions[next_partial]->return_type;
      duckdb::ColumnBinding part(inner->aggregate_index, next_partial);
      expression = MergeParts(context, one, ColumnRef(type, part));
      ++next_partial;
    }
  }
  for (idx_t i = 0; i < num_groups; ++i) {
    aggregate.groups[i] =
        ColumnRef(aggregate.groups[i]->return_type, duckdb::ColumnBinding(inner->group_index, i));
  }
  aggregate.group_stats.clear();
  aggregate.children.clear();
  aggregate.children.push_back(std::move(inner));
  return true;
}

}  // namespace smallpond
