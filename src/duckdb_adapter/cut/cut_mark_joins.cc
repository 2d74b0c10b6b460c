// IN and NOT IN over many rows: PlanCutter's part about mark joins by hash.
//
// Where no row on the right is equal, the mark goes by all of them: it is NULL if one is NULL, or
// if the key is NULL and there is one at all. A task has a part of them, so that only what it marks
// as true is so, and the rest goes by two facts that all tasks get:
//
//     MARK JOIN l.k = r.k         CASE WHEN mark THEN true WHEN has_null OR … THEN NULL ELSE false
//     ├── l                →      └── CROSS PRODUCT
//     └── r                           ├── MARK JOIN l.k = r.k
//                                     │   ├── l by hash of k
//                                     │   └── r by hash of k
//                                     └── count(*) > 0, count(*) > count(k) of r      broadcast

#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/cut/split_aggregates.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::ColumnBinding;
using duckdb::ExpressionType;
using duckdb::idx_t;
using duckdb::LogicalType;
using ExpressionPtr = duckdb::unique_ptr<duckdb::Expression>;

ExpressionPtr IsNull(ExpressionPtr value) {
  auto test = duckdb::make_uniq<duckdb::BoundOperatorExpression>(ExpressionType::OPERATOR_IS_NULL,
                                                                 LogicalType::BOOLEAN);
  test->children.push_back(std::move(value));
  return test;
}

ExpressionPtr IsGreater(ExpressionPtr left, ExpressionPtr right) {
  return duckdb::make_uniq<duckdb::BoundComparisonExpression>(ExpressionType::COMPARE_GREATERTHAN,
                                                              std::move(left), std::move(right));
}

ExpressionPtr Conjunction(ExpressionType type, ExpressionPtr left, ExpressionPtr right) {
  return duckdb::make_uniq<duckdb::BoundConjunctionExpression>(type, std::move(left),
                                                               std::move(right));
}

// What a row's mark is, where `mark` is true if a row is equal to its key.
ExpressionPtr MarkOf(ExpressionPtr mark, ExpressionPtr key, ExpressionPtr any_row,
                     ExpressionPtr any_null) {
  auto is_open = Conjunction(
      ExpressionType::CONJUNCTION_OR, std::move(any_null),
      Conjunction(ExpressionType::CONJUNCTION_AND, IsNull(std::move(key)), std::move(any_row)));
  auto result = duckdb::make_uniq<duckdb::BoundCaseExpression>(LogicalType::BOOLEAN);
  result->case_checks.push_back({std::move(mark), Constant(duckdb::Value::BOOLEAN(true))});
  result->case_checks.push_back(
      {std::move(is_open), Constant(duckdb::Value(LogicalType::BOOLEAN))});
  result->else_expr = Constant(duckdb::Value::BOOLEAN(false));
  return result;
}

}  // namespace

Distribution PlanCutter::JoinMarkByHash(Operator& slot, const Distribution& left,
                                        const Distribution& right) {
  auto& condition = slot->Cast<duckdb::LogicalComparisonJoin>().conditions[0];
  Expressions right_key;
  right_key.push_back(condition.right->Copy());
  Exchange(slot->children[1], right, ExchangeKind::kHash, std::move(right_key));
  Distribution where = left;
  if (left.keys.size() != 1 || FindKeys(left.keys, {condition.left.get()}).empty()) {
    Expressions left_key;
    left_key.push_back(condition.left->Copy());
    where = Exchange(slot->children[0], left, ExchangeKind::kHash, std::move(left_key));
  }
  PutMarks(slot);
  auto& marked = slot->Cast<duckdb::LogicalProjection>();
  Operator& facts = slot->children[0]->children[1];
  Distribution facts_where = Distribute(facts);
  Exchange(facts, facts_where, ExchangeKind::kBroadcast);
  return Distribution::Spread(ProjectKeys(where.keys, marked.table_index, marked.expressions));
}

// Makes the row of facts about the right side of a mark join, which is a scan.
PlanCutter::Operator PlanCutter::FactsOfMark(duckdb::LogicalComparisonJoin& join) {
  auto& scan = *join.children[1];
  auto again_index = binder_.GenerateTableIndex();
  Operator rows = ScanAgain(scan, again_index);
  Expressions counts;
  Expressions key;
  key.push_back(join.conditions[0].right->Copy());
  key = CopiesOver(again_index, key);
  counts.push_back(BindAggregate(context_, "count_star", {}));
  counts.push_back(BindAggregate(context_, "count", std::move(key)));
  auto aggregate = NewAggregate(binder_, {}, std::move(counts));
  aggregate->SetEstimatedCardinality(1);
  aggregate->children.push_back(std::move(rows));
  aggregate->ResolveOperatorTypes();
  auto count = ColumnRefs(*aggregate);
  Expressions facts;
  facts.push_back(IsGreater(count[0]->Copy(), Constant(duckdb::Value::BIGINT(0))));
  facts.push_back(IsGreater(count[0]->Copy(), count[1]->Copy()));
  return Project(binder_, std::move(aggregate), std::move(facts));
}

void PlanCutter::PutMarks(Operator& slot) {
  auto& join = slot->Cast<duckdb::LogicalComparisonJoin>();
  slot->ResolveOperatorTypes();
  auto columns = slot->GetColumnBindings();
  auto outputs = ColumnRefs(*slot);
  join.left_projection_map.clear();  // The key is needed as well.
  ExpressionPtr key = join.conditions[0].left->Copy();
  Operator facts = FactsOfMark(join);
  auto fact = ColumnRefs(*facts);
  outputs.back() =
      MarkOf(std::move(outputs.back()), std::move(key), std::move(fact[0]), std::move(fact[1]));
  auto rows = duckdb::make_uniq<duckdb::LogicalCrossProduct>(std::move(slot), std::move(facts));
  KeepEstimate(*rows->children[0], *rows);
  auto table_index = binder_.GenerateTableIndex();
  slot = Project(table_index, std::move(rows), std::move(outputs));
  text_.Rename(columns, table_index);
  ReplaceColumns(columns, table_index, *slot);
}

}  // namespace smallpond
