#include "action/staged_query.h"

#include <optional>

#include "duckdb_adapter/arrow/arrow_scan.h"
#include "duckdb_adapter/arrow/arrow_source.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "plan/lower_plan.h"
#include "plan/partition_sql.h"

namespace smallpond {

Statement StagedQuery::Rows(const PlanRef& plan) {
  return LowerPlan(plan, [this](const PlanRef& source) -> std::optional<Statement> {
    if (std::holds_alternative<ReadFiles>(source->op())) return run_.Resolve(source).query.Copy();
    if (const auto* arrow = std::get_if<ReadArrow>(&source->op())) {
      int fragment = Given(source, ScanArrow(*arrow->source), *arrow->source);
      return RowsOf(fragment, Readers::kSomeTask);
    }
    if (auto kept = run_.QueryKept(source)) {
      return RowsOf(Given(source, kept->query, *kept->rows), Readers::kSomeTask);
    }
    if (!IsConcatenated(*source)) return std::nullopt;
    return RowsOf(PerPartition(source), Readers::kSomeTask);
  });
}

Statement StagedQuery::PartitionRows(const PlanRef& plan) {
  const auto* query = std::get_if<SqlQuery>(&plan->op());
  if (!query) return RowsOf(Spread(plan), Readers::kByPartition);
  Statement statement = query->query.Copy();
  statement.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
    auto found = query->inputs.find(name);
    if (found == query->inputs.end()) return std::nullopt;
    const PlanRef& input = found->second;
    if (input->partitioning().num_partitions == 1) return RowsOf(Whole(input), Readers::kEveryTask);
    // What is read twice is computed once where two readings could differ.
    if (std::holds_alternative<SqlQuery>(input->op()) && !input->deterministic())
      return RowsOf(PerPartition(input), Readers::kByPartition);
    return PartitionRows(input);
  });
  statement.ForgetText();
  return statement;
}

int StagedQuery::Spread(const PlanRef& plan) {
  return Once(spread_, plan, [&] {
    const auto& repartition = std::get<Repartition>(plan->op());
    int n = plan->partitioning().num_partitions;
    Statement rows = Rows(repartition.input);
    if (repartition.way == Repartition::Way::kEven) return planner_.cutter().CutEvenly(rows, n);
    if (repartition.way == Repartition::Way::kRows) return planner_.cutter().CutByRows(rows, n);
    std::string number = QuoteName(PartitionColumnName(plan->schema()));
    return planner_.cutter().CutByNumber(
        SqlOver(
            "SELECT *, " + PartitionExpression(repartition, n) + " AS " + number + " FROM \"{0}\"",
            rows),
        n);
  });
}

int StagedQuery::PerPartition(const PlanRef& plan) {
  return Once(per_partition_, plan,
              [&] { return planner_.cutter().CutPerPartition(PartitionRows(plan)); });
}

int StagedQuery::Whole(const PlanRef& plan) {
  return Once(whole_, plan, [&] { return planner_.cutter().CutWhole(Rows(plan)); });
}

int StagedQuery::Given(const PlanRef& plan, const Statement& rows, const ArrowSource& source) {
  constexpr uint64_t kBytesPerRow = 100;  // Where a type's size is not known.
  return Once(given_, plan, [&] {
    auto num_rows = static_cast<uint64_t>(source.num_rows());
    return planner_.AddGiven(rows, source.num_rows(),
                             source.Bytes().value_or(kBytesPerRow * num_rows));
  });
}

}  // namespace smallpond
