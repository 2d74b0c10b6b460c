#include "duckdb_adapter/analysis/partition_analysis.h"

#include <algorithm>

#include "duckdb/main/settings.hpp"
#include "duckdb_adapter/analysis/determinism.h"
#include "duckdb_adapter/analysis/partition_walk.h"
#include "duckdb_adapter/analysis/scan_facts.h"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/row_order.h"
#include "duckdb_adapter/sql/schema_types.h"
#include "duckdb_adapter/sql/statement_tree.h"

namespace smallpond {
namespace {

using MarkedInputs = std::map<const duckdb::ColumnDataCollection*, const QueryInput*>;

// Returns the query with its inputs replaced by tables without rows, and which table stands for
// which input.
Statement MarkInputs(const Statement& query, const std::map<std::string, QueryInput>& inputs,
                     MarkedInputs& marks) {
  Statement marked = query.Copy();
  marked.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
    auto found = inputs.find(name);
    if (found == inputs.end()) return std::nullopt;
    Statement no_rows = Statement::NoRows(found->second.schema);
    marks[no_rows.tree().markers[0].get()] = &found->second;
    return no_rows;
  });
  return marked;
}

Partitioning ResultPartitioning(const PartitionState& state, duckdb::LogicalOperator& plan,
                                int num_partitions) {
  Partitioning result;
  result.num_partitions = num_partitions;
  auto bindings = plan.GetColumnBindings();
  for (const auto& key : state.keys) {
    auto position = std::find_if(bindings.begin(), bindings.end(),
                                 [&](const auto& binding) { return key.Has(binding); });
    if (position == bindings.end()) return result;  // A key column is not in the result.
    result.key_columns.push_back(static_cast<int>(position - bindings.begin()));
  }
  if (!result.key_columns.empty()) result.layout = state.layout;
  return result;
}

// Whether the query reads files or tables that are not among its inputs.
bool ReadsElsewhere(duckdb::LogicalOperator& op) {
  bool is_scan = op.type == duckdb::LogicalOperatorType::LOGICAL_GET;
  if (is_scan && !ReadsNothing(op.Cast<duckdb::LogicalGet>())) return true;
  return std::any_of(op.children.begin(), op.children.end(),
                     [](const auto& child) { return ReadsElsewhere(*child); });
}

// Whether the rows come in an order that the query, or its one input, asks for.
bool IsOrdered(const duckdb::LogicalOperator& plan, const MarkedInputs& marks) {
  RowOrders orders([&](const duckdb::LogicalOperator& source) {
    if (source.type != duckdb::LogicalOperatorType::LOGICAL_CHUNK_GET) return RowOrder::kStored;
    auto found = marks.find(source.Cast<duckdb::LogicalColumnDataGet>().collection.get());
    bool is_ordered = found != marks.end() && found->second->ordered;
    return is_ordered ? RowOrder::kSorted : RowOrder::kStored;
  });
  return orders.Of(plan) == RowOrder::kSorted;
}

// Whether two runs of a query, each over inputs computed anew, give the same rows, to the last
// digit.
bool IsDeterministic(duckdb::LogicalOperator& plan, const MarkedInputs& marks, bool keeps_order) {
  constexpr int kWhole = 0;  // The whole plan is one fragment.
  auto facts_of = [](const duckdb::LogicalOperator&) { return std::optional<OutputFacts>(); };
  Determinism found = FindDeterminism(plan, kWhole, facts_of, keeps_order);
  const auto& columns = found.output.inexact;
  return found.nondeterministic.empty() &&
         std::all_of(columns.begin(), columns.end(),
                     [](const FragmentSet& column) { return column.empty(); }) &&
         std::all_of(marks.begin(), marks.end(),
                     [](const auto& mark) { return mark.second->deterministic; });
}

}  // namespace

PartitionFacts AnalyzePartitions(Connection& connection, const Statement& query,
                                 const std::map<std::string, QueryInput>& inputs,
                                 bool measures_files) {
  MarkedInputs marks;
  Statement marked = MarkInputs(query, inputs, marks);
  auto& context = connection.handle().context();
  std::string text = marked.tree().main->query;
  return TranslatingBindErrors(context, text, [&] {
    PartitionFacts facts;
    context.RunFunctionInTransaction([&] {
      duckdb::Planner planner(context);
      planner.CreatePlan(std::move(marked.tree().main));
      auto types = std::make_shared<Schema::Types>();
      types->list = planner.types;
      facts.schema = Schema({planner.names.begin(), planner.names.end()}, std::move(types));
      facts.reads_elsewhere = ReadsElsewhere(*planner.plan);
      if (measures_files) facts.file_bytes = BytesOfFiles(*planner.plan);
      facts.ordered = IsOrdered(*planner.plan, marks);
      facts.deterministic =
          IsDeterministic(*planner.plan, marks,
                          duckdb::Settings::Get<duckdb::PreserveInsertionOrderSetting>(context));
      int num_partitions = 1;
      for (const auto& [name, input] : inputs)
        num_partitions = std::max(num_partitions, input.partitioning.num_partitions);
      if (num_partitions == 1) return;
      PartitionState state = PartitionWalk(marks).Visit(*planner.plan);
      facts.per_partition = state.kind == PartitionState::Kind::kPartitioned;
      facts.reason = state.kind == PartitionState::Kind::kWhole
                         ? "the result has no rows of a partitioned input"
                         : state.reason;
      if (facts.per_partition)
        facts.result = ResultPartitioning(state, *planner.plan, num_partitions);
    });
    return facts;
  });
}

}  // namespace smallpond
