// Where the rows of aggregates are: PlanCutter's part about GROUP BY.

#include <set>

#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/cut/split_aggregates.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::idx_t;
using duckdb::LogicalAggregate;
using duckdb::LogicalOperatorType;
using ExpressionPtr = duckdb::unique_ptr<duckdb::Expression>;

bool HasPlainGroups(const LogicalAggregate& aggregate) {
  return aggregate.grouping_sets.size() <= 1 && aggregate.grouping_functions.empty();
}

// Whether each set of groups is there once, and its number, GROUPING() of all groups, is one that
// DuckDB can count to.
bool HasNumberedSets(const LogicalAggregate& aggregate) {
  constexpr size_t kMostGroups = 62;
  const auto& sets = aggregate.grouping_sets;
  std::set<duckdb::GroupingSet> apart(sets.begin(), sets.end());
  return apart.size() == sets.size() && aggregate.groups.size() <= kMostGroups;
}

bool HasDistinct(const LogicalAggregate& aggregate) {
  return std::any_of(
      aggregate.expressions.begin(), aggregate.expressions.end(), [](const auto& expression) {
        return expression->template Cast<duckdb::BoundAggregateExpression>().IsDistinct();
      });
}

bool HasVolatileGroup(const LogicalAggregate& aggregate) {
  return std::any_of(aggregate.groups.begin(), aggregate.groups.end(),
                     [](const auto& group) { return group->IsVolatile(); });
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
  either->children.push_back(
      duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value::Numeric(type, 0)));
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
  auto projection = duckdb::make_uniq<duckdb::LogicalProjection>(table_index, std::move(outputs));
  KeepEstimate(*aggregate, *projection);
  projection->children.push_back(std::move(aggregate));
  projection->ResolveOperatorTypes();
  return projection;
}

// Gives the parts of GROUPING SETS the sets of the whole, told apart by GROUPING() of all groups: a
// NULL of a group is another one than that of a set without it.
void NumberSets(duckdb::Binder& binder, const LogicalAggregate& aggregate,
                LogicalAggregate& partial) {
  partial.grouping_sets = aggregate.grouping_sets;
  partial.grouping_functions = aggregate.grouping_functions;
  partial.groupings_index = binder.GenerateTableIndex();
  duckdb::unsafe_vector<idx_t> all;
  for (idx_t i = 0; i < aggregate.groups.size(); ++i) all.push_back(i);
  partial.grouping_functions.push_back(std::move(all));
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
    bool is_numbered = HasNumberedSets(aggregate);
    if (is_numbered && CanSplit(aggregate)) return SplitInTwo(slot, input);
    Exchange(slot->children[0], input, ExchangeKind::kGather);
    NoteGathered(*slot, is_numbered ? "GROUPING SETS of an aggregate that can't be split"
                                    : "GROUPING SETS that GROUPING() doesn't tell apart");
    return Distribution::Single();
  }
  std::vector<duckdb::Expression*> groups;
  for (auto& group : aggregate.groups) groups.push_back(group.get());
  if (!FindKeys(input.keys, groups).empty()) {  // Each group is in one task already.
    return Distribution::Spread(ProjectKeys(input.keys, aggregate.group_index, aggregate.groups));
  }
  if (CanSplit(aggregate)) return SplitInTwo(slot, input);
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
  return ShuffleAggregate(slot, input);
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
  auto table_index = binder_.GenerateTableIndex();
  slot = WithTypes(context_, std::move(merge), table_index, types, {}, positions);
  ReplaceColumns(columns, table_index, *slot);

  auto& merged = slot->children[0]->Cast<LogicalAggregate>();
  bool is_grouped = !keys.empty();
  Distribution where =
      Exchange(merged.children[0], input, is_grouped ? ExchangeKind::kHash : ExchangeKind::kGather,
               std::move(keys));
  if (!is_grouped) return Distribution::Single();
  auto& projection = slot->Cast<duckdb::LogicalProjection>();
  auto grouped = ProjectKeys(where.keys, merged.group_index, merged.groups);
  return Distribution::Spread(ProjectKeys(grouped, table_index, projection.expressions));
}

}  // namespace smallpond
