#include "duckdb_adapter/cut/grouping_sets.h"

#include <map>
#include <set>

#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::idx_t;
using duckdb::LogicalAggregate;
using duckdb::LogicalType;
using ExpressionPtr = duckdb::unique_ptr<duckdb::Expression>;

// GROUPING() of all groups in the rows of a set.
int64_t NumberOf(const duckdb::GroupingSet& set, idx_t num_groups) {
  int64_t number = 0;
  for (idx_t i = 0; i < num_groups; ++i) number = 2 * number + (set.count(i) > 0 ? 0 : 1);
  return number;
}

std::map<int64_t, idx_t> TimesBySet(const LogicalAggregate& aggregate) {
  std::map<int64_t, idx_t> times;
  for (const auto& set : aggregate.grouping_sets) ++times[NumberOf(set, aggregate.groups.size())];
  return times;
}

// A list of as many values as rows are wanted for one.
ExpressionPtr ListOf(idx_t times) {
  duckdb::vector<duckdb::Value> values(times, duckdb::Value::BOOLEAN(true));
  return Constant(duckdb::Value::LIST(LogicalType::BOOLEAN, std::move(values)));
}

}  // namespace

bool HasPlainGroups(const LogicalAggregate& aggregate) {
  return aggregate.grouping_sets.size() <= 1 && aggregate.grouping_functions.empty();
}

bool CanNumberSets(const LogicalAggregate& aggregate) {
  constexpr size_t kMostGroups = 62;
  return aggregate.groups.size() <= kMostGroups;
}

void NumberSets(duckdb::Binder& binder, const LogicalAggregate& aggregate,
                LogicalAggregate& partial) {
  if (aggregate.groups.empty()) return;
  std::set<duckdb::GroupingSet> sets(aggregate.grouping_sets.begin(),
                                     aggregate.grouping_sets.end());
  partial.grouping_sets.assign(sets.begin(), sets.end());
  partial.grouping_functions = aggregate.grouping_functions;
  partial.groupings_index = binder.GenerateTableIndex();
  duckdb::unsafe_vector<idx_t> all;
  for (idx_t i = 0; i < aggregate.groups.size(); ++i) all.push_back(i);
  partial.grouping_functions.push_back(std::move(all));
}

duckdb::unique_ptr<duckdb::LogicalOperator> RepeatSets(
    duckdb::Binder& binder, const LogicalAggregate& aggregate,
    duckdb::unique_ptr<duckdb::LogicalOperator> merged, duckdb::optional_idx number_column) {
  auto times = TimesBySet(aggregate);
  if (times.size() == aggregate.grouping_sets.size()) return merged;
  ExpressionPtr list = ListOf(1);
  if (!number_column.IsValid()) {
    list = ListOf(aggregate.grouping_sets.size());
  } else {
    auto columns = ColumnRefs(*merged);
    const auto& number = columns[number_column.GetIndex()];
    for (const auto& [set, count] : times) {
      if (count == 1) continue;
      auto is_it = duckdb::make_uniq<duckdb::BoundComparisonExpression>(
          duckdb::ExpressionType::COMPARE_EQUAL, number->Copy(),
          Constant(duckdb::Value::BIGINT(set)));
      list = duckdb::make_uniq<duckdb::BoundCaseExpression>(std::move(is_it), ListOf(count),
                                                            std::move(list));
    }
  }
  auto each = duckdb::make_uniq<duckdb::BoundUnnestExpression>(LogicalType::BOOLEAN);
  each->child = std::move(list);
  auto rows = duckdb::make_uniq<duckdb::LogicalUnnest>(binder.GenerateTableIndex());
  rows->expressions.push_back(std::move(each));
  KeepEstimate(*merged, *rows);
  rows->children.push_back(std::move(merged));
  rows->ResolveOperatorTypes();
  return rows;
}

}  // namespace smallpond
