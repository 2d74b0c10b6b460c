#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {

using duckdb::idx_t;
using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

duckdb::unique_ptr<duckdb::Expression> ColumnRef(const duckdb::LogicalType& type,
                                                 duckdb::ColumnBinding column) {
  return duckdb::make_uniq<duckdb::BoundColumnRefExpression>(type, column);
}

Expressions ColumnRefs(duckdb::LogicalOperator& op) {
  auto columns = op.GetColumnBindings();
  Expressions references;
  for (idx_t i = 0; i < columns.size(); ++i) {
    references.push_back(ColumnRef(op.types[i], columns[i]));
  }
  return references;
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

Expressions Copies(const Expressions& expressions) {
  Expressions copies;
  for (const auto& expression : expressions) copies.push_back(expression->Copy());
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

void KeepEstimate(const duckdb::LogicalOperator& from, duckdb::LogicalOperator& to) {
  if (from.has_estimated_cardinality) to.SetEstimatedCardinality(from.estimated_cardinality);
}

}  // namespace smallpond
