#include "duckdb_adapter/mends/rows_in_order.h"

#include "duckdb/execution/physical_operator.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/main/settings.hpp"
#include "duckdb/optimizer/optimizer_extension.hpp"
#include "duckdb/planner/expression_iterator.hpp"
#include "duckdb/planner/operator/logical_extension_operator.hpp"
#include "duckdb_adapter/row_order.h"

namespace smallpond {
namespace {

using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using Operator = duckdb::unique_ptr<LogicalOperator>;

// Passes rows on. DuckDB runs what such an operator is in with one thread, and one input of a
// UNION ALL after the other.
class PhysicalInOrder : public duckdb::PhysicalOperator {
 public:
  PhysicalInOrder(duckdb::PhysicalPlan& plan, const duckdb::PhysicalOperator& child)
      : PhysicalOperator(plan, duckdb::PhysicalOperatorType::EXTENSION, child.types,
                         child.estimated_cardinality) {}

  std::string GetName() const override { return "IN_ORDER"; }
  bool ParallelOperator() const override { return false; }
  duckdb::OrderPreservationType OperatorOrder() const override {
    return duckdb::OrderPreservationType::FIXED_ORDER;
  }
  duckdb::OperatorResultType Execute(duckdb::ExecutionContext&, duckdb::DataChunk& input,
                                     duckdb::DataChunk& output, duckdb::GlobalOperatorState&,
                                     duckdb::OperatorState&) const override {
    output.Reference(input);
    return duckdb::OperatorResultType::NEED_MORE_INPUT;
  }
};

class LogicalInOrder : public duckdb::LogicalExtensionOperator {
 public:
  explicit LogicalInOrder(Operator rows) {
    if (rows->has_estimated_cardinality) SetEstimatedCardinality(rows->estimated_cardinality);
    children.push_back(std::move(rows));
    ResolveOperatorTypes();
  }

  duckdb::PhysicalOperator& CreatePlan(duckdb::ClientContext&,
                                       duckdb::PhysicalPlanGenerator& planner) override {
    auto& rows = planner.CreatePlan(*children[0]);
    auto& in_order = planner.Make<PhysicalInOrder>(rows);
    in_order.children.push_back(rows);
    return in_order;
  }
  duckdb::vector<duckdb::ColumnBinding> GetColumnBindings() override {
    return children[0]->GetColumnBindings();
  }
  std::string GetName() const override { return "IN_ORDER"; }
  std::string GetExtensionName() const override { return "smallpond_in_order"; }
  bool SupportSerialization() const override { return false; }

 protected:
  void ResolveTypes() override { types = children[0]->types; }
};

// Whether DuckDB's threads take the rows of the operator's first child as they come, although it
// goes by their order.
bool TakesRowsAsTheyCome(const LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
    case LogicalOperatorType::LOGICAL_DISTINCT:
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
      return !HasOneRow(*op.children[0]);
    default:
      return false;
  }
}

// Whether a projection refuses more than one row of a scalar subquery, whose first() is below it:
// any order is right.
bool RefusesSecondRow(const LogicalOperator& op) {
  if (op.type != LogicalOperatorType::LOGICAL_PROJECTION) return false;
  bool found = false;
  using Constant = duckdb::BoundConstantExpression;
  auto look = [&](const Constant& part) {
    found = found || part.value.ToString().starts_with("More than one row returned by a subquery");
  };
  for (const auto& expression : op.expressions) {
    duckdb::ExpressionIterator::VisitExpression<Constant>(*expression, look);
  }
  return found;
}

void PutInOrder(LogicalOperator& op, const std::set<const LogicalOperator*>& order_readers,
                bool any_order_is_right = false) {
  for (auto& child : op.children) PutInOrder(*child, order_readers, RefusesSecondRow(op));
  if (any_order_is_right || !order_readers.contains(&op) || !TakesRowsAsTheyCome(op)) return;
  op.children[0] = duckdb::make_uniq<LogicalInOrder>(std::move(op.children[0]));
}

}  // namespace

void BringRowsInOrder(duckdb::ClientContext& context, Operator& plan) {
  if (!duckdb::Settings::Get<duckdb::PreserveInsertionOrderSetting>(context)) return;
  RowOrders orders([](const LogicalOperator&) { return RowOrder::kStored; });
  PutInOrder(*plan, orders.Readers(*plan, false));
}

void RemoveInOrder(Operator& plan) {
  while (dynamic_cast<LogicalInOrder*>(plan.get())) plan = std::move(plan->children[0]);
  for (auto& child : plan->children) RemoveInOrder(child);
}

void RegisterRowOrderRule(duckdb::DatabaseInstance& database) {
  duckdb::OptimizerExtension rule;
  rule.optimize_function = [](duckdb::OptimizerExtensionInput& input, Operator& plan) {
    BringRowsInOrder(input.context, plan);
  };
  duckdb::OptimizerExtension::Register(duckdb::DBConfig::GetConfig(database), std::move(rule));
}

}  // namespace smallpond
