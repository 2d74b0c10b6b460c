#include "duckdb_adapter/fragment/new_operators.h"

#include "duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp"
#include "duckdb/execution/physical_plan_generator.hpp"
#include "duckdb/function/function_binder.hpp"
#include "duckdb/planner/operator/logical_extension_operator.hpp"

namespace smallpond {

using duckdb::idx_t;
using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

namespace {

class OptimizerMark : public duckdb::LogicalExtensionOperator {
 public:
  explicit OptimizerMark(bool value) : value_(value) {}

  duckdb::PhysicalOperator& CreatePlan(duckdb::ClientContext& context,
                                       duckdb::PhysicalPlanGenerator& planner) override {
    context.config.enable_optimizer = value_;
    return planner.CreatePlan(*children[0]);
  }
  duckdb::vector<duckdb::ColumnBinding> GetColumnBindings() override {
    return children[0]->GetColumnBindings();
  }
  std::string GetExtensionName() const override { return "smallpond_optimizer_mark"; }

 protected:
  void ResolveTypes() override { types = children[0]->types; }

 private:
  const bool value_;
};

}  // namespace

duckdb::unique_ptr<duckdb::Expression> ColumnRef(const duckdb::LogicalType& type,
                                                 duckdb::ColumnBinding column) {
  return duckdb::make_uniq<duckdb::BoundColumnRefExpression>(type, column);
}

duckdb::unique_ptr<duckdb::Expression> Constant(duckdb::Value value) {
  return duckdb::make_uniq<duckdb::BoundConstantExpression>(std::move(value));
}

duckdb::unique_ptr<duckdb::Expression> CallSystemFunction(duckdb::ClientContext& context,
                                                          const std::string& name,
                                                          Expressions arguments) {
  auto& entry =
      duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::ScalarFunctionCatalogEntry>(
          context, DEFAULT_SCHEMA, name);
  duckdb::ErrorData error;
  auto call =
      duckdb::FunctionBinder(context).BindScalarFunction(entry, std::move(arguments), error);
  if (error.HasError()) error.Throw();
  return call;
}

Expressions ColumnRefs(duckdb::LogicalOperator& op) {
  auto columns = op.GetColumnBindings();
  Expressions references;
  for (idx_t i = 0; i < columns.size(); ++i) {
    references.push_back(ColumnRef(op.types[i], columns[i]));
  }
  return references;
}

duckdb::unique_ptr<duckdb::LogicalOperator> Project(
    idx_t table_index, duckdb::unique_ptr<duckdb::LogicalOperator> rows, Expressions outputs) {
  auto projection = duckdb::make_uniq<duckdb::LogicalProjection>(table_index, std::move(outputs));
  KeepEstimate(*rows, *projection);
  projection->children.push_back(std::move(rows));
  projection->ResolveOperatorTypes();
  return projection;
}

duckdb::unique_ptr<duckdb::LogicalOperator> Project(
    duckdb::Binder& binder, duckdb::unique_ptr<duckdb::LogicalOperator> rows, Expressions outputs) {
  return Project(binder.GenerateTableIndex(), std::move(rows), std::move(outputs));
}

duckdb::unique_ptr<duckdb::LogicalOperator> NumberColumns(
    duckdb::unique_ptr<duckdb::LogicalOperator> op, idx_t table_index,
    duckdb::vector<std::string>& names) {
  auto outputs = ColumnRefs(*op);
  for (size_t i = 0; i < outputs.size(); ++i) names.push_back("c" + std::to_string(i));
  auto projection = duckdb::make_uniq<duckdb::LogicalProjection>(table_index, std::move(outputs));
  projection->children.push_back(std::move(op));
  return projection;
}

duckdb::unique_ptr<duckdb::LogicalOperator> PlannedWithOptimizer(
    duckdb::unique_ptr<duckdb::LogicalOperator> plan, bool value) {
  auto mark = duckdb::make_uniq<OptimizerMark>(value);
  KeepEstimate(*plan, *mark);
  mark->children.push_back(std::move(plan));
  mark->ResolveOperatorTypes();
  return mark;
}

Expressions Copies(const Expressions& expressions) {
  Expressions copies;
  for (const auto& expression : expressions) copies.push_back(expression->Copy());
  return copies;
}

Expressions CopiesOver(idx_t table_index, const Expressions& expressions) {
  auto copies = Copies(expressions);
  for (auto& copy : copies) {
    duckdb::ExpressionIterator::VisitExpressionMutable<duckdb::BoundColumnRefExpression>(
        copy,
        [&](duckdb::BoundColumnRefExpression& reference, duckdb::unique_ptr<duckdb::Expression>&) {
          reference.binding.table_index = table_index;
        });
  }
  return copies;
}

duckdb::unique_ptr<duckdb::LogicalAggregate> NewAggregate(duckdb::Binder& binder,
                                                          Expressions groups,
                                                          Expressions aggregates) {
  auto aggregate = duckdb::make_uniq<duckdb::LogicalAggregate>(
      binder.GenerateTableIndex(), binder.GenerateTableIndex(), std::move(aggregates));
  aggregate->groups = std::move(groups);
  if (!aggregate->groups.empty()) {
    duckdb::GroupingSet all;
    for (idx_t i = 0; i < aggregate->groups.size(); ++i) all.insert(i);
    aggregate->grouping_sets.push_back(std::move(all));
  }
  return aggregate;
}

duckdb::unique_ptr<duckdb::LogicalOperator> NumberRows(
    duckdb::Binder& binder, duckdb::unique_ptr<duckdb::LogicalOperator> rows) {
  auto number = duckdb::make_uniq<duckdb::BoundWindowExpression>(
      duckdb::ExpressionType::WINDOW_ROW_NUMBER, duckdb::LogicalType::BIGINT, nullptr, nullptr);
  number->start = duckdb::WindowBoundary::UNBOUNDED_PRECEDING;
  number->end = duckdb::WindowBoundary::CURRENT_ROW_ROWS;
  auto window = duckdb::make_uniq<duckdb::LogicalWindow>(binder.GenerateTableIndex());
  window->expressions.push_back(std::move(number));
  KeepEstimate(*rows, *window);
  window->children.push_back(std::move(rows));
  window->ResolveOperatorTypes();
  return window;
}

void KeepEstimate(const duckdb::LogicalOperator& from, duckdb::LogicalOperator& to) {
  if (from.has_estimated_cardinality) to.SetEstimatedCardinality(from.estimated_cardinality);
}

}  // namespace smallpond
