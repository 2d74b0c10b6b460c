#include "duckdb_adapter/cut/split_aggregates.h"

#include <set>

#include "duckdb/catalog/catalog_entry/aggregate_function_catalog_entry.hpp"
#include "duckdb/function/function_binder.hpp"
#include "duckdb_adapter/analysis/order_dependence.h"
#include "duckdb_adapter/fragment/aggregate_states.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::BoundAggregateExpression;
using duckdb::Expression;
using duckdb::idx_t;
using duckdb::LogicalAggregate;
using ExpressionPtr = duckdb::unique_ptr<Expression>;

bool IsOneOf(const std::set<std::string>& names, const BoundAggregateExpression& aggregate) {
  return names.count(aggregate.function.name) > 0;
}

// Aggregates that are summed, as counts are.
bool IsSum(const BoundAggregateExpression& aggregate) {
  static const std::set<std::string> names = {"sum", "sum_no_overflow", "count_if", "countif"};
  return IsOneOf(names, aggregate) && aggregate.children.size() == 1;
}

// Aggregates whose results are merged by the aggregate of this name; "" for all others.
std::string MergedBy(const BoundAggregateExpression& aggregate) {
  static const std::set<std::string> names = {"min",     "max",    "bool_and", "bool_or",
                                              "bit_and", "bit_or", "bit_xor",  "any_value"};
  if (aggregate.children.size() != 1) return "";
  if (IsOneOf(names, aggregate)) return aggregate.function.name;
  return aggregate.function.name == "bitstring_agg" ? "bit_or" : "";
}

// Aggregates of one row's value, NULL or not, beside which it has to be known whether there was
// one.
bool IsOfOneRow(const BoundAggregateExpression& aggregate) {
  static const std::set<std::string> names = {"first", "last", "arbitrary"};
  return IsOneOf(names, aggregate) && aggregate.children.size() == 1 && !aggregate.IsVolatile();
}

// Aggregates of a value from the row with the least or greatest key. Those of keys that may be NULL
// take another row where several are.
bool IsOfBestRow(const BoundAggregateExpression& aggregate) {
  static const std::set<std::string> names = {"arg_min", "argmin", "min_by", "arg_min_null",
                                              "arg_max", "argmax", "max_by", "arg_max_null"};
  return IsOneOf(names, aggregate) && aggregate.children.size() == 2 && !aggregate.IsVolatile();
}

// Whether the result goes by the order of the rows, such as that of first, or by which of several
// rows comes first, such as that of arg_max.
bool DependsOnOrder(const BoundAggregateExpression& aggregate) {
  return OrderDependenceOf(aggregate.function) == OrderDependence::kValue;
}

// The same aggregate of what parts delivered.
ExpressionPtr OfParts(const BoundAggregateExpression& aggregate,
                      duckdb::vector<ExpressionPtr> parts) {
  auto copy = duckdb::unique_ptr_cast<Expression, BoundAggregateExpression>(aggregate.Copy());
  copy->children = std::move(parts);
  copy->filter = nullptr;
  return copy;
}

ExpressionPtr Both(ExpressionPtr condition, ExpressionPtr other) {
  if (!condition) return other;
  return duckdb::make_uniq<duckdb::BoundConjunctionExpression>(
      duckdb::ExpressionType::CONJUNCTION_AND, std::move(condition), std::move(other));
}

ExpressionPtr Filtered(ExpressionPtr aggregate, ExpressionPtr filter) {
  aggregate->Cast<BoundAggregateExpression>().filter = std::move(filter);
  return aggregate;
}

ExpressionPtr FilterOf(const BoundAggregateExpression& aggregate) {
  return aggregate.filter ? aggregate.filter->Copy() : nullptr;
}

// The key of the row whose value arg_min and the like give.
ExpressionPtr BestKey(duckdb::ClientContext& context, const BoundAggregateExpression& aggregate) {
  const std::string& name = aggregate.function.name;
  const auto& key = aggregate.children[1];
  bool is_of_any_value = name == "arg_min_null" || name == "arg_max_null";
  ExpressionPtr filter = FilterOf(aggregate);
  if (!is_of_any_value) {
    auto is_there = duckdb::make_uniq<duckdb::BoundOperatorExpression>(
        duckdb::ExpressionType::OPERATOR_IS_NOT_NULL, duckdb::LogicalType::BOOLEAN);
    is_there->children.push_back(aggregate.children[0]->Copy());
    filter = Both(std::move(filter), std::move(is_there));
  }
  duckdb::vector<ExpressionPtr> arguments;
  arguments.push_back(key->Copy());
  arguments.push_back(key->Copy());
  if (key->return_type.id() == duckdb::LogicalTypeId::VARCHAR) {
    // It has its collation, which would be put upon it again.
    duckdb::vector<ExpressionPtr> text;
    text.push_back(std::move(arguments[1]));
    arguments[1] = CallSystemFunction(context, "encode", std::move(text));
  }
  bool is_least = name.find("min") != std::string::npos;
  return Filtered(BindAggregate(context, is_least ? "arg_min" : "arg_max", std::move(arguments)),
                  std::move(filter));
}

// The aggregates of a part's rows.
duckdb::vector<ExpressionPtr> PartialsOf(duckdb::ClientContext& context,
                                         const BoundAggregateExpression& aggregate) {
  duckdb::vector<ExpressionPtr> partials;
  if (IsOfStates(aggregate)) {
    partials.push_back(PartOfStates(aggregate));
  } else if (HasPlainState(aggregate)) {
    partials.push_back(StateOf(aggregate));
  } else {
    partials.push_back(aggregate.Copy());
  }
  if (IsOfOneRow(aggregate)) {
    partials.push_back(Filtered(BindAggregate(context, "count_star", {}), FilterOf(aggregate)));
  }
  if (IsOfBestRow(aggregate)) partials.push_back(BestKey(context, aggregate));
  return partials;
}

// The aggregates of a part's rows, one or several for each of an aggregate's results.
struct Parts {
  void Add(duckdb::vector<ExpressionPtr> more) {
    first.push_back(partials.size());
    for (auto& partial : more) partials.push_back(std::move(partial));
    end.push_back(partials.size());
  }

  // The columns of `partial`, which has all of them, for a result.
  duckdb::vector<ExpressionPtr> Of(const LogicalAggregate& partial, idx_t result) const {
    duckdb::vector<ExpressionPtr> columns;
    for (idx_t i = first[result]; i < end[result]; ++i) {
      columns.push_back(ColumnRef(partial.expressions[i]->return_type,
                                  duckdb::ColumnBinding(partial.aggregate_index, i)));
    }
    return columns;
  }

  duckdb::vector<ExpressionPtr> partials;
  std::vector<idx_t> first;
  std::vector<idx_t> end;
};

}  // namespace

ExpressionPtr BindAggregate(duckdb::ClientContext& context, const std::string& name,
                            duckdb::vector<ExpressionPtr> arguments) {
  auto& entry =
      duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::AggregateFunctionCatalogEntry>(
          context, DEFAULT_SCHEMA, name);
  duckdb::vector<duckdb::LogicalType> types;
  for (const auto& argument : arguments) types.push_back(argument->return_type);
  auto function = entry.functions.GetFunctionByArguments(context, types);
  return duckdb::FunctionBinder(context).BindAggregateFunction(function, std::move(arguments));
}

ExpressionPtr MergeParts(duckdb::ClientContext& context, const BoundAggregateExpression& aggregate,
                         duckdb::vector<ExpressionPtr> parts) {
  if (IsOfStates(aggregate)) return MergeOfStates(aggregate, std::move(parts[0]));
  if (HasPlainState(aggregate)) return MergeOf(aggregate, std::move(parts[0]));
  if (IsOfBestRow(aggregate)) return OfParts(aggregate, std::move(parts));
  if (IsOfOneRow(aggregate)) {
    ExpressionPtr any_rows = duckdb::make_uniq<duckdb::BoundComparisonExpression>(
        duckdb::ExpressionType::COMPARE_GREATERTHAN, std::move(parts[1]),
        Constant(duckdb::Value::BIGINT(0)));
    parts.pop_back();
    return Filtered(OfParts(aggregate, std::move(parts)), std::move(any_rows));
  }
  std::string name = MergedBy(aggregate);
  if (name == "any_value") return OfParts(aggregate, std::move(parts));
  return BindAggregate(context, name.empty() ? "sum" : name, std::move(parts));
}

bool IsCount(const BoundAggregateExpression& aggregate) {
  const std::string& name = aggregate.function.name;
  return name == "count" || name == "count_star";
}

bool CanSplit(const BoundAggregateExpression& aggregate) {
  if (aggregate.IsDistinct() || aggregate.order_bys) return false;
  return IsCount(aggregate) || IsSum(aggregate) || !MergedBy(aggregate).empty() ||
         IsOfOneRow(aggregate) || IsOfBestRow(aggregate) || HasPlainState(aggregate) ||
         IsOfStates(aggregate);
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
  Parts parts;
  for (const auto& expression : aggregate.expressions) {
    parts.Add(PartialsOf(context, expression->Cast<BoundAggregateExpression>()));
  }
  split.partial = NewAggregate(binder, Copies(aggregate.groups), std::move(parts.partials));
  split.partial->children = std::move(aggregate.children);
  KeepEstimate(aggregate, *split.partial);
  split.partial->ResolveOperatorTypes();
  for (idx_t i = 0; i < aggregate.expressions.size(); ++i) {
    const auto& original = aggregate.expressions[i]->Cast<BoundAggregateExpression>();
    split.merges.push_back(MergeParts(context, original, parts.Of(*split.partial, i)));
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
      if (!CanSplit(one) || DependsOnOrder(one)) return false;  // Groups come in any order.
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
  Parts parts;
  for (const auto& expression : aggregate.expressions) {
    const auto& one = expression->Cast<BoundAggregateExpression>();
    if (!one.IsDistinct()) parts.Add(PartialsOf(context, one));
  }
  auto inner = NewAggregate(binder, std::move(groups), std::move(parts.partials));
  inner->children = std::move(aggregate.children);
  inner->ResolveOperatorTypes();

  idx_t next_part = 0;
  for (auto& expression : aggregate.expressions) {
    auto& one = expression->Cast<BoundAggregateExpression>();
    if (one.IsDistinct()) {
      for (idx_t i = 0; i < one.children.size(); ++i) {
        one.children[i] = ColumnRef(one.children[i]->return_type,
                                    duckdb::ColumnBinding(inner->group_index, num_groups + i));
      }
      one.aggr_type = duckdb::AggregateType::NON_DISTINCT;
    } else {
      expression = MergeParts(context, one, parts.Of(*inner, next_part++));
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
