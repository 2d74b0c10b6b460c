#include "duckdb_adapter/row_order.h"

#include <algorithm>
#include <string>
#include <utility>

namespace smallpond {
namespace {

using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

bool IsOverAllRows(const duckdb::Expression& window) {
  const auto& bound = window.Cast<duckdb::BoundWindowExpression>();
  return bound.partitions.empty() && bound.orders.empty();
}

bool ReadsOneRow(const duckdb::LogicalGet& get) {
  const auto* scan = dynamic_cast<const CountedScanData*>(get.bind_data.get());
  return scan && scan->one_row;
}

// Whether a join looks up each row of its left side in the right one, where that has one row, as
// the result of a subquery has.
bool StreamsLeftSide(const LogicalOperator& op) {
  if (op.type == LogicalOperatorType::LOGICAL_CROSS_PRODUCT) return true;
  switch (op.Cast<duckdb::LogicalJoin>().join_type) {
    case duckdb::JoinType::INNER:
    case duckdb::JoinType::LEFT:
    case duckdb::JoinType::SEMI:
    case duckdb::JoinType::ANTI:
    case duckdb::JoinType::MARK:
    case duckdb::JoinType::SINGLE:
      return true;
    default:
      return false;
  }
}

// Aggregates whose result people expect in the order of the rows.
bool ListsRows(const duckdb::Expression& expression) {
  static const std::set<std::string> names = {"first",     "last",       "arbitrary",    "list",
                                              "array_agg", "string_agg", "group_concat", "listagg"};
  const auto& aggregate = expression.Cast<duckdb::BoundAggregateExpression>();
  return !aggregate.order_bys && names.count(aggregate.function.name) > 0;
}

}  // namespace

bool ComesInOrder(const LogicalOperator& source) {
  if (source.type == LogicalOperatorType::LOGICAL_DELIM_GET) return false;
  if (source.type != LogicalOperatorType::LOGICAL_GET) return true;
  const auto& get = source.Cast<duckdb::LogicalGet>();
  return get.function.order_preservation_type != duckdb::OrderPreservationType::NO_ORDER;
}

bool KeepsOrder(const LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_UNNEST:
      return true;
    case LogicalOperatorType::LOGICAL_UNION:
      return op.Cast<duckdb::LogicalSetOperation>().setop_all;
    case LogicalOperatorType::LOGICAL_WINDOW:
      return std::all_of(op.expressions.begin(), op.expressions.end(),
                         [](const auto& window) { return IsOverAllRows(*window); });
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
      return HasOneRow(*op.children[1]) && StreamsLeftSide(op);
    default:
      return false;
  }
}

bool GoesByOrder(LogicalOperator& op) {
  const auto& expressions = op.expressions;
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_LIMIT:
      return true;
    case LogicalOperatorType::LOGICAL_DISTINCT: {
      const auto& distinct = op.Cast<duckdb::LogicalDistinct>();
      return distinct.distinct_type == duckdb::DistinctType::DISTINCT_ON && !distinct.order_by;
    }
    case LogicalOperatorType::LOGICAL_WINDOW:
      return std::any_of(expressions.begin(), expressions.end(),
                         [](const auto& window) { return IsOverAllRows(*window); });
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
      return std::any_of(expressions.begin(), expressions.end(),
                         [](const auto& aggregate) { return ListsRows(*aggregate); });
    default:
      return false;
  }
}

const LogicalOperator* NumberingWindow(const LogicalOperator& op) {
  if (op.type != LogicalOperatorType::LOGICAL_DELIM_JOIN) return nullptr;
  const auto& join = op.Cast<duckdb::LogicalComparisonJoin>();
  const LogicalOperator* rows = op.children[join.delim_flipped ? 1 : 0].get();
  while (rows->type == LogicalOperatorType::LOGICAL_FILTER) rows = rows->children[0].get();
  bool is_window = rows->type == LogicalOperatorType::LOGICAL_WINDOW;
  if (!is_window || join.duplicate_eliminated_columns.empty()) return nullptr;
  const auto& column = *join.duplicate_eliminated_columns[0];
  if (column.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) return nullptr;
  duckdb::ColumnBinding number(rows->Cast<duckdb::LogicalWindow>().window_index, 0);
  bool is_numbering = rows->expressions.size() == 1 &&
                      rows->expressions[0]->GetAlias() == "delim_index" &&
                      rows->expressions[0]->type == duckdb::ExpressionType::WINDOW_ROW_NUMBER &&
                      IsOverAllRows(*rows->expressions[0]) &&
                      column.Cast<duckdb::BoundColumnRefExpression>().binding == number;
  return is_numbering ? rows : nullptr;
}

bool HasOneRow(const LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
      return true;
    case LogicalOperatorType::LOGICAL_GET:
      return ReadsOneRow(op.Cast<duckdb::LogicalGet>());
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY: {
      const auto& aggregate = op.Cast<duckdb::LogicalAggregate>();
      return aggregate.groups.empty() && aggregate.grouping_sets.size() <= 1;
    }
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_ORDER_BY:
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_TOP_N:
    case LogicalOperatorType::LOGICAL_WINDOW:
      return HasOneRow(*op.children[0]);
    default:
      return false;
  }
}

RowOrder RowOrders::Of(const LogicalOperator& op) {
  auto known = known_.find(&op);
  if (known == known_.end()) known = known_.emplace(&op, Find(op)).first;
  return known->second;
}

RowOrder RowOrders::Find(const LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_ORDER_BY:
    case LogicalOperatorType::LOGICAL_TOP_N:
      return RowOrder::kSorted;
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
      common_tables_[op.Cast<duckdb::LogicalMaterializedCTE>().table_index] = Of(*op.children[0]);
      return Of(*op.children[1]);
    case LogicalOperatorType::LOGICAL_CTE_REF: {
      auto table = common_tables_.find(op.Cast<duckdb::LogicalCTERef>().cte_index);
      return table == common_tables_.end() ? RowOrder::kNone : table->second;
    }
    case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
      return RowOrder::kStored;
    default:
      break;
  }
  if (HasOneRow(op)) return RowOrder::kSorted;
  if (op.children.empty()) return ComesInOrder(op) ? order_of_source_(op) : RowOrder::kNone;
  if (!KeepsOrder(op)) return RowOrder::kNone;
  RowOrder order = RowOrder::kSorted;
  for (const auto& child : op.children) order = std::min(order, Of(*child));
  return order;
}

std::set<const LogicalOperator*> RowOrders::Readers(LogicalOperator& plan, bool is_wanted) {
  wanted_tables_.clear();
  numberings_.clear();
  FindReaders(plan, is_wanted);
  return std::exchange(readers_, {});
}

void RowOrders::FindReaders(LogicalOperator& op, bool is_wanted) {
  RowOrder order = Of(op);  // Of a common table it has to be known before what reads it.
  is_wanted = is_wanted && order != RowOrder::kNone;
  if (op.type == LogicalOperatorType::LOGICAL_CTE_REF && is_wanted) {
    wanted_tables_.insert(op.Cast<duckdb::LogicalCTERef>().cte_index);
  }
  if (op.type == LogicalOperatorType::LOGICAL_MATERIALIZED_CTE) {
    FindReaders(*op.children[1], is_wanted);  // First: it tells what it wants of the table.
    bool wants_table =
        wanted_tables_.count(op.Cast<duckdb::LogicalMaterializedCTE>().table_index) > 0;
    if (wants_table) readers_.insert(&op);
    FindReaders(*op.children[0], wants_table);
    return;
  }
  if (const LogicalOperator* window = NumberingWindow(op)) numberings_.insert(window);
  bool goes_by_order = GoesByOrder(op) && numberings_.count(&op) == 0;
  bool reads = goes_by_order || (is_wanted && KeepsOrder(op));
  bool any_order = false;
  for (auto& child : op.children) {
    any_order = any_order || (reads && Of(*child) != RowOrder::kNone);
    FindReaders(*child, reads);
  }
  if (any_order) readers_.insert(&op);
}

}  // namespace smallpond
