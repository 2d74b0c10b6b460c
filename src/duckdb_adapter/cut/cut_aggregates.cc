// Where the rows of aggregates are: PlanCutter's part about GROUP BY.

#include "duckdb_adapter/cut/counted_values.h"
#include "duckdb_adapter/cut/grouping_sets.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/cut/split_aggregates.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::idx_t;
using duckdb::LogicalAggregate;
using duckdb::LogicalOperatorType;
using ExpressionPtr = duckdb::unique_ptr<duckdb::Expression>;

bool HasDistinct(const LogicalAggregate& aggregate) {
  return std::any_of(
      aggregate.expressions.begin(), aggregate.expressions.end(), [](const auto& expression) {
        return expression->template Cast<duckdb::BoundAggregateExpression>().IsDistinct();
      });
}

// Whether some results are computed from values once each, with others beside them.
bool HasValuesApart(const LogicalAggregate& aggregate) {
  return std::any_of(
      aggregate.expressions.begin(), aggregate.expressions.end(), [](const auto& expression) {
        const auto& one = expression->template Cast<duckdb::BoundAggregateExpression>();
        return one.IsDistinct() || GoesByCounts(one);
      });
}

bool HasVolatileGroup(const LogicalAggregate& aggregate) {
  return std::any_of(aggregate.groups.begin(), aggregate.groups.end(),
                     [](const auto& group) { return group->IsVolatile(); });
}

// Whether two aggregates are best computed together, from the same values once each.
bool AreOfSameValues(const duckdb::BoundAggregateExpression& one,
                     const duckdb::BoundAggregateExpression& other) {
  if (!duckdb::Expression::ListEquals(one.children, other.children)) return false;
  if (GoesByCounts(one) && GoesByCounts(other)) return true;
  return one.IsDistinct() && other.IsDistinct() &&
         duckdb::Expression::Equals(one.filter, other.filter);
}

// The positions of results that are best computed together: those that split, those of the same
// values, and all others.
std::vector<std::vector<idx_t>> PartsToCompute(const LogicalAggregate& aggregate) {
  std::vector<idx_t> split;
  std::vector<idx_t> others;
  std::vector<std::vector<idx_t>> parts;
  auto at = [&](idx_t i) -> const duckdb::BoundAggregateExpression& {
    return aggregate.expressions[i]->Cast<duckdb::BoundAggregateExpression>();
  };
  for (idx_t i = 0; i < aggregate.expressions.size(); ++i) {
    if (!at(i).IsDistinct() && !GoesByCounts(at(i))) {
      (CanSplit(at(i)) ? split : others).push_back(i);
      continue;
    }
    auto same = std::find_if(parts.begin(), parts.end(), [&](const std::vector<idx_t>& part) {
      return AreOfSameValues(at(part[0]), at(i));
    });
    bool is_new = same == parts.end();
    (is_new ? parts.emplace_back() : *same).push_back(i);
  }
  for (auto* more : {&split, &others}) {
    if (!more->empty()) parts.push_back(std::move(*more));
  }
  return parts;
}

// Whether an aggregate is one of DISTINCT values of some of the rows.
bool IsOfFilteredValues(const duckdb::Expression& expression) {
  const auto& aggregate = expression.Cast<duckdb::BoundAggregateExpression>();
  return aggregate.IsDistinct() && aggregate.filter;
}

// Whether all are, of the same rows.
bool AreOfFilteredValues(const duckdb::vector<ExpressionPtr>& aggregates) {
  const auto& first = aggregates[0]->Cast<duckdb::BoundAggregateExpression>();
  return std::all_of(aggregates.begin(), aggregates.end(), [&](const auto& aggregate) {
    return IsOfFilteredValues(*aggregate) &&
           aggregate->template Cast<duckdb::BoundAggregateExpression>().filter->Equals(
               *first.filter);
  });
}

// The positions of an aggregate's columns that are counts.
std::vector<idx_t> CountsOf(const LogicalAggregate& aggregate) {
  std::vector<idx_t> counts;
  for (idx_t i = 0; i < aggregate.expressions.size(); ++i) {
    const auto& one = aggregate.expressions[i]->Cast<duckdb::BoundAggregateExpression>();
    if (IsCount(one)) counts.push_back(aggregate.groups.size() + i);
  }
  return counts;
}

ExpressionPtr ZeroForNull(ExpressionPtr value) {
  auto type = value->return_type;
  auto either = duckdb::make_uniq<duckdb::BoundOperatorExpression>(
      duckdb::ExpressionType::OPERATOR_COALESCE, type);
  either->children.push_back(std::move(value));
  either->children.push_back(Constant(duckdb::Value::Numeric(type, 0)));
  return either;
}

// Projects an aggregate's columns, with the types that they had before it was rewritten: the first
// ones, or those at `positions`. A sum of no counts is NULL, which `counts` says where to undo.
duckdb::unique_ptr<duckdb::LogicalOperator> WithTypes(
    duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::LogicalOperator> aggregate,
    idx_t table_index, const duckdb::vector<duckdb::LogicalType>& types,
    const std::vector<idx_t>& counts = {}, const std::vector<idx_t>& positions = {}) {
  aggregate->ResolveOperatorTypes();
  auto columns = ColumnRefs(*aggregate);
  duckdb::vector<ExpressionPtr> outputs;
  for (idx_t i = 0; i < types.size(); ++i) {
    outputs.push_back(std::move(columns[positions.empty() ? i : positions[i]]));
  }
  for (idx_t i = 0; i < outputs.size(); ++i) {
    auto column =
        duckdb::BoundCastExpression::AddCastToType(context, std::move(outputs[i]), types[i]);
    bool is_count = std::find(counts.begin(), counts.end(), i) != counts.end();
    outputs[i] = is_count ? ZeroForNull(std::move(column)) : std::move(column);
  }
  return Project(table_index, std::move(aggregate), std::move(outputs));
}

// The aggregate that merges the parts of `aggregate`, which it is above, by `groups` of theirs.
duckdb::unique_ptr<LogicalAggregate> MergeOfParts(duckdb::Binder& binder,
                                                  const LogicalAggregate& aggregate,
                                                  SplitAggregate split,
                                                  duckdb::vector<ExpressionPtr> groups) {
  auto merge = NewAggregate(binder, std::move(groups), std::move(split.merges));
  merge->distinct_validity = aggregate.distinct_validity;
  KeepEstimate(aggregate, *merge);
  merge->children.push_back(std::move(split.partial));
  merge->ResolveOperatorTypes();
  return merge;
}

}  // namespace

Distribution PlanCutter::DistributeAggregate(Operator& slot) {
  Distribution input = Distribute(slot->children[0]);
  if (!input.is_spread()) return Distribution::Single();
  auto& aggregate = slot->Cast<LogicalAggregate>();
  if (!HasPlainGroups(aggregate)) {
    bool is_numbered = CanNumberSets(aggregate);
    if (is_numbered && CanSplit(aggregate)) return SplitInTwo(slot, input);
    Exchange(slot->children[0], input, ExchangeKind::kGather);
    NoteGathered(*slot, is_numbered ? "GROUPING SETS of an aggregate that can't be split"
                                    : "GROUPING SETS of more groups than GROUPING() tells apart");
    return Distribution::Single();
  }
  std::vector<duckdb::Expression*> groups;
  for (auto& group : aggregate.groups) groups.push_back(group.get());
  if (!FindKeys(input.keys, groups).empty()) {  // Each group is in one task already.
    return Distribution::Spread(ProjectKeys(input.keys, aggregate.group_index, aggregate.groups));
  }
  if (guards_.contains(slot.get())) return ShuffleAggregate(slot, input);
  if (CanSplit(aggregate)) return SplitInTwo(slot, input);
  if (GoesByCounts(aggregate)) return CountValues(slot, input);
  if (HasDistinct(aggregate)) {
    slot->ResolveOperatorTypes();
    auto types = slot->types;
    auto columns = slot->GetColumnBindings();
    auto counts = CountsOf(aggregate);
    if (ExpandDistinct(context_, binder_, aggregate)) {
      // Neither aggregate has a DISTINCT now. The inner one's child has its place already.
      auto table_index = binder_.GenerateTableIndex();
      Distribution inner = SplitInTwo(slot->children[0], input);
      slot = WithTypes(context_, std::move(slot), table_index, types, counts);
      ReplaceColumns(columns, table_index, *slot);
      bool splits = CanSplit(slot->children[0]->Cast<LogicalAggregate>());
      Distribution outer = splits ? SplitInTwo(slot->children[0], inner)
                                  : ShuffleAggregate(slot->children[0], inner);
      auto& projection = slot->Cast<duckdb::LogicalProjection>();
      outer.keys = ProjectKeys(outer.keys, table_index, projection.expressions);
      return outer;
    }
  }
  if (aggregate.groups.empty() && HasValuesApart(aggregate)) {
    auto parts = PartsToCompute(aggregate);
    bool is_apart = parts.size() > 1 || IsOfFilteredValues(*aggregate.expressions[0]);
    if (is_apart) return AggregateApart(slot, input, parts);
  }
  return ShuffleAggregate(slot, input);
}

// Computes each part of aggregates over all rows as if it were alone, so that one of DISTINCT
// values moves these, and puts their rows side by side:
//
//     COUNT(DISTINCT a), COUNT(DISTINCT b), SUM(c)        CROSS PRODUCT
//     └── rows                                       →    ├── stage: COUNT(DISTINCT a)
//                                                         ├── stage: COUNT(DISTINCT b)
//                                                         └── stage: SUM(c)
Distribution PlanCutter::AggregateApart(Operator& slot, const Distribution& input,
                                        const std::vector<std::vector<idx_t>>& parts) {
  slot->ResolveOperatorTypes();
  auto types = slot->types;
  auto columns = slot->GetColumnBindings();
  ComputeOnce(slot->children[0], input);
  Operator side_by_side;
  std::vector<idx_t> positions(types.size());
  idx_t num_columns = 0;
  for (const auto& part : parts) {
    Expressions aggregates;
    for (idx_t i : part) {
      aggregates.push_back(slot->expressions[i]->Copy());
      positions[i] = num_columns++;
    }
    Operator row = CutAggregate(*slot->children[0], std::move(aggregates), ExchangeKind::kGather);
    if (!side_by_side) {
      side_by_side = std::move(row);
      continue;
    }
    side_by_side =
        duckdb::make_uniq<duckdb::LogicalCrossProduct>(std::move(side_by_side), std::move(row));
    side_by_side->SetEstimatedCardinality(1);
  }
  auto table_index = binder_.GenerateTableIndex();
  slot = WithTypes(context_, std::move(side_by_side), table_index, types, {}, positions);
  ReplaceColumns(columns, table_index, *slot);
  return Distribution::Single();
}

// Cuts a query for one row, of aggregates of all `rows`, and returns a scan of it. DISTINCT values
// of some rows are those of a query with their condition.
PlanCutter::Operator PlanCutter::CutAggregate(duckdb::LogicalOperator& rows, Expressions aggregates,
                                              ExchangeKind kind) {
  PlanCutter other(context_, binder_, options_, state_);
  Operator read = RowsAgain(rows, other);
  if (AreOfFilteredValues(aggregates)) {
    ExpressionPtr condition;
    for (auto& aggregate : aggregates)
      condition = std::move(aggregate->Cast<duckdb::BoundAggregateExpression>().filter);
    auto filter = duckdb::make_uniq<duckdb::LogicalFilter>(std::move(condition));
    KeepEstimate(*read, *filter);
    filter->children.push_back(std::move(read));
    filter->ResolveOperatorTypes();
    read = std::move(filter);
  }
  auto aggregate = NewAggregate(binder_, {}, std::move(aggregates));
  aggregate->SetEstimatedCardinality(1);
  aggregate->children.push_back(std::move(read));
  aggregate->ResolveOperatorTypes();
  auto types = aggregate->types;
  auto outputs = ColumnRefs(*aggregate);
  int fragment = other.CutRowsAgain(Project(binder_, std::move(aggregate), std::move(outputs)));
  return ScanRow(fragment, kind, types);
}

// Moves the rows so that each group is in one task.
Distribution PlanCutter::ShuffleAggregate(Operator& slot, const Distribution& input) {
  auto& aggregate = slot->Cast<LogicalAggregate>();
  // The groups are computed again where the rows arrive, which must give the same ones.
  if (aggregate.groups.empty() || HasVolatileGroup(aggregate)) {
    Exchange(slot->children[0], input, ExchangeKind::kGather);
    NoteGathered(*slot, "an aggregate that can't be split");
    return Distribution::Single();
  }
  Distribution where =
      Exchange(slot->children[0], input, ExchangeKind::kHash, Copies(aggregate.groups));
  return Distribution::Spread(ProjectKeys(where.keys, aggregate.group_index, aggregate.groups));
}

// Aggregates what each task has, moves the results so that each group's are in one task, and merges
// them there:
//
//     SUM(x) BY ROLLUP (a, b)      SUM(s) BY a, b, n
//     └── rows                 →   └── exchange by a, b, n
//                                      └── SUM(x) s, GROUPING(a, b) n BY ROLLUP (a, b)
//
// The rows of a set that is there twice are doubled then.
Distribution PlanCutter::SplitInTwo(Operator& slot, const Distribution& input) {
  slot->ResolveOperatorTypes();
  auto types = slot->types;
  auto columns = slot->GetColumnBindings();
  auto& aggregate = slot->Cast<LogicalAggregate>();
  SplitAggregate split = Split(context_, binder_, aggregate);
  LogicalAggregate& partial = *split.partial;
  if (!HasPlainGroups(aggregate)) NumberSets(binder_, aggregate, partial);
  const idx_t num_groups = aggregate.groups.size();
  const idx_t num_numbers = partial.grouping_functions.size();
  Expressions keys;
  std::vector<idx_t> positions;  // In the merge, of the columns of `aggregate`.
  for (idx_t i = 0; i < num_groups; ++i) {
    keys.push_back(ColumnRef(types[i], duckdb::ColumnBinding(partial.group_index, i)));
    positions.push_back(i);
  }
  for (idx_t i = 0; i < aggregate.expressions.size(); ++i) {
    positions.push_back(num_groups + num_numbers + i);
  }
  for (idx_t i = 0; i < num_numbers; ++i) {
    keys.push_back(
        ColumnRef(duckdb::LogicalType::BIGINT, duckdb::ColumnBinding(partial.groupings_index, i)));
    positions.push_back(num_groups + i);
  }
  auto merge = MergeOfParts(binder_, aggregate, std::move(split), Copies(keys));
  partial_.insert(&partial);
  LogicalAggregate& merged = *merge;
  duckdb::optional_idx number;
  if (num_numbers > 0) number = num_groups + num_numbers - 1;
  Operator rows = RepeatSets(binder_, aggregate, std::move(merge), number);
  auto table_index = binder_.GenerateTableIndex();
  slot = WithTypes(context_, std::move(rows), table_index, types, {}, positions);
  ReplaceColumns(columns, table_index, *slot);

  bool is_grouped = !keys.empty();
  Distribution where =
      Exchange(merged.children[0], input, is_grouped ? ExchangeKind::kHash : ExchangeKind::kGather,
               std::move(keys));
  if (!is_grouped) return Distribution::Single();
  auto& projection = slot->Cast<duckdb::LogicalProjection>();
  auto grouped = ProjectKeys(where.keys, merged.group_index, merged.groups);
  return Distribution::Spread(ProjectKeys(grouped, table_index, projection.expressions));
}

// Counts the values that each task has, and computes from all counts what goes by them:
//
//     MEDIAN(x)         smallpond_repeat(n, x)
//     └── rows      →   └── gather
//                           └── COUNT(*) n BY x
Distribution PlanCutter::CountValues(Operator& slot, const Distribution& input) {
  slot->ResolveOperatorTypes();
  auto types = slot->types;
  auto columns = slot->GetColumnBindings();
  auto& aggregate = slot->Cast<LogicalAggregate>();
  SplitAggregate split = SplitByCounts(context_, binder_, aggregate);
  partial_.insert(split.partial.get());
  auto merge = MergeOfParts(binder_, aggregate, std::move(split), {});
  LogicalAggregate& merged = *merge;
  auto table_index = binder_.GenerateTableIndex();
  slot = WithTypes(context_, std::move(merge), table_index, types);
  ReplaceColumns(columns, table_index, *slot);
  return Exchange(merged.children[0], input, ExchangeKind::kGather);
}

}  // namespace smallpond
