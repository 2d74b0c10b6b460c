#include "action/staged_query.h"

#include <optional>

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
  auto found = spread_.find(plan.get());
  if (found != spread_.end()) return found->second;
  const auto& repartition = std::get<Repartition>(plan->op());
  int n = plan->partitioning().num_partitions;
  Statement rows = Rows(repartition.input);
  if (repartition.way == Repartition::Way::kEven)
    return spread_[plan.get()] = planner_.cutter().CutEvenly(rows, n);
  Statement numbered = SqlOver("SELECT *, " + PartitionExpression(repartition, n) + " AS " +
                                   QuoteName(PartitionColumnName(plan->schema())) + " FROM \"{0}\"",
                               rows);
  return spread_[plan.get()] = planner_.cutter().CutByNumber(numbered, n);
}

int StagedQuery::PerPartition(const PlanRef& plan) {
  auto found = per_partition_.find(plan.get());
  if (found != per_partition_.end()) return found->second;
  Statement rows = PartitionRows(plan);
  return per_partition_[plan.get()] = planner_.cutter().CutPerPartition(rows);
}

int StagedQuery::Whole(const PlanRef& plan) {
  auto found = whole_.find(plan.get());
  if (found != whole_.end()) return found->second;
  Statement rows = Rows(plan);
  return whole_[plan.get()] = planner_.cutter().CutWhole(rows);
}

int StagedQuery::Given(const PlanRef& plan, const Statement& rows, const ArrowSource& source) {
  auto found = given_.find(plan.get());
  if (found != given_.end()) return found->second;
  constexpr uint64_t kBytesPerRow = 100;  // Where a type's size is not known.
  auto num_rows = source.num_rows();
  uint64_t bytes = source.Bytes().value_or(kBytesPerRow * static_cast<uint64_t>(num_rows));
  return given_[plan.get()] = planner_.AddGiven(rows, run_.Bind(rows), num_rows, bytes);
}

}  // namespace smallpond
