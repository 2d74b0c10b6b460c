// Joins whose unmatched rows no task can tell by itself: PlanCutter's part about joins without an
// equality that keep rows of the side which comes to all tasks.
//
//     FULL JOIN a < b       UNION ALL
//     ├── large      →      ├── J: LEFT JOIN a < b of large, spread, and small with numbers, all
//     └── small             └── NULLs, small ANTI JOIN J by number
//
// A SEMI or ANTI join is one with the numbers that any task found.

#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::ColumnBinding;
using duckdb::idx_t;
using duckdb::JoinType;
using duckdb::LogicalOperator;
using Columns = duckdb::vector<ColumnBinding>;
using ColumnTypes = duckdb::vector<duckdb::LogicalType>;
using Operator = duckdb::unique_ptr<LogicalOperator>;

idx_t PositionOf(const ColumnBinding& column, const Columns& columns) {
  return static_cast<idx_t>(std::find(columns.begin(), columns.end(), column) - columns.begin());
}

// Puts the side that all tasks have on the right, and leaves its unmatched rows out.
void LeaveOutUnmatched(LogicalOperator& op, size_t kept_side) {
  auto& join = op.Cast<duckdb::LogicalJoin>();
  join.join_type = join.join_type == JoinType::OUTER ? JoinType::LEFT : JoinType::INNER;
  join.left_projection_map.clear();
  join.right_projection_map.clear();
  if (kept_side == 1) return;
  join.join_stats.clear();
  std::swap(op.children[0], op.children[1]);
  if (op.type == duckdb::LogicalOperatorType::LOGICAL_ANY_JOIN) return;
  for (auto& condition : op.Cast<duckdb::LogicalComparisonJoin>().conditions) {
    std::swap(condition.left, condition.right);
    condition.comparison = duckdb::FlipComparisonExpression(condition.comparison);
  }
}

// Joins rows with the numbers of a plan whose one column they are.
Operator JoinNumbers(JoinType type, Operator rows, idx_t number, Operator numbers) {
  auto join = duckdb::make_uniq<duckdb::LogicalComparisonJoin>(type);
  duckdb::JoinCondition condition;
  condition.left = ColumnRef(duckdb::LogicalType::BIGINT, rows->GetColumnBindings()[number]);
  condition.right = ColumnRef(duckdb::LogicalType::BIGINT, numbers->GetColumnBindings()[0]);
  condition.comparison = duckdb::ExpressionType::COMPARE_EQUAL;
  join->conditions.push_back(std::move(condition));
  KeepEstimate(*rows, *join);
  join->children.push_back(std::move(rows));
  join->children.push_back(std::move(numbers));
  join->ResolveOperatorTypes();
  return join;
}

// The numbers in a column, each once.
Operator DistinctNumbers(duckdb::Binder& binder, Operator rows, const ColumnBinding& column) {
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> groups;
  groups.push_back(ColumnRef(duckdb::LogicalType::BIGINT, column));
  auto values = NewAggregate(binder, std::move(groups), {});
  KeepEstimate(*rows, *values);
  values->children.push_back(std::move(rows));
  values->ResolveOperatorTypes();
  return values;
}

// Takes those `columns` of `rows` that belong to `table_index`, as those of another table; for
// others a NULL.
Operator TakeColumns(Operator rows, idx_t new_index, const Columns& columns,
                     const ColumnTypes& types, idx_t table_index) {
  idx_t rows_index = rows->GetColumnBindings()[0].table_index;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> outputs;
  for (idx_t i = 0; i < columns.size(); ++i) {
    bool is_here = columns[i].table_index == table_index;
    outputs.push_back(is_here
                          ? ColumnRef(types[i], ColumnBinding(rows_index, columns[i].column_index))
                          : Constant(duckdb::Value(types[i])));
  }
  return Project(new_index, std::move(rows), std::move(outputs));
}

}  // namespace

PlanCutter::Operator PlanCutter::SendNumbered(Operator& slot, const Distribution& from) {
  slot->ResolveOperatorTypes();
  const idx_t number = slot->types.size();
  slot = NumberRows(binder_, std::move(slot));
  Exchange(slot, from, ExchangeKind::kForward);
  auto& scan = MakeNumbersUnique(slot, number);
  auto again = WithUniqueNumbers(ScanAgain(scan, binder_.GenerateTableIndex()), number,
                                 binder_.GenerateTableIndex());
  ReadOtherwise(scan, ExchangeKind::kBroadcast);
  return again;
}

Distribution PlanCutter::JoinAndFindUnmatched(Operator& slot, size_t kept_side,
                                              const Distribution& kept_where,
                                              const Distribution& other_where) {
  Operator kept = SendNumbered(slot->children[kept_side], kept_where);
  const ColumnBinding number = slot->children[kept_side]->GetColumnBindings().back();
  slot->ResolveOperatorTypes();
  Columns columns = slot->GetColumnBindings();
  ColumnTypes types = slot->types;
  idx_t position = PositionOf(number, columns);
  if (position < columns.size()) {
    columns.erase(columns.begin() + static_cast<int64_t>(position));
    types.erase(types.begin() + static_cast<int64_t>(position));
  }
  JoinType type = slot->Cast<duckdb::LogicalJoin>().join_type;
  if (type == JoinType::SEMI || type == JoinType::ANTI) {
    FindMatches(slot, number, other_where);
    slot = JoinNumbers(type, std::move(kept), number.column_index, std::move(slot));
    auto table_index = binder_.GenerateTableIndex();
    slot = TakeColumns(std::move(slot), table_index, columns, types, number.table_index);
    text_.Rename(columns, table_index);
    ReplaceColumns(columns, table_index, *slot);
    return Distribute(slot);
  }

  LeaveOutUnmatched(*slot, kept_side);
  Columns joined = slot->GetColumnBindings();
  Exchange(slot, other_where, ExchangeKind::kForward);
  auto joined_index = slot->Cast<duckdb::LogicalGet>().table_index;
  Columns now;  // The join's columns.
  for (const auto& column : columns) now.emplace_back(joined_index, PositionOf(column, joined));

  auto again_index = binder_.GenerateTableIndex();
  Operator found = DistinctNumbers(binder_, ScanAgain(*slot, again_index),
                                   ColumnBinding(again_index, PositionOf(number, joined)));
  Operator unmatched =
      JoinNumbers(JoinType::ANTI, std::move(kept), number.column_index, std::move(found));
  duckdb::vector<Operator> parts;
  parts.push_back(
      TakeColumns(std::move(slot), binder_.GenerateTableIndex(), now, types, joined_index));
  parts.push_back(TakeColumns(std::move(unmatched), binder_.GenerateTableIndex(), columns, types,
                              number.table_index));
  auto table_index = binder_.GenerateTableIndex();
  slot = duckdb::make_uniq<duckdb::LogicalSetOperation>(
      table_index, columns.size(), std::move(parts), duckdb::LogicalOperatorType::LOGICAL_UNION,
      true);
  slot->ResolveOperatorTypes();
  text_.Rename(now, table_index);
  ReplaceColumns(now, table_index, *slot);
  return Distribute(slot);
}

// Leaves of a SEMI or ANTI join, whose left side all tasks have, the numbers of rows with a match.
void PlanCutter::FindMatches(Operator& slot, const ColumnBinding& number,
                             const Distribution& where) {
  auto& join = slot->Cast<duckdb::LogicalJoin>();
  join.join_type = JoinType::SEMI;
  join.left_projection_map.clear();
  slot->ResolveOperatorTypes();
  slot = DistinctNumbers(binder_, std::move(slot), number);
  partial_.insert(slot.get());
  Exchange(slot, where, ExchangeKind::kHash, ColumnRefs(*slot));
}

}  // namespace smallpond
