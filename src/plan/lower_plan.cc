#include "plan/lower_plan.h"

#include <map>
#include <vector>

#include "duckdb_adapter/arrow/arrow_scan.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "plan/partition_sql.h"

namespace smallpond {
namespace {

class Lowering {
 public:
  explicit Lowering(const ReadPlan& read) : read_(read) {}

  Statement Run(const PlanRef& plan) {
    CountReferences(plan);
    Statement query = LowerOperator(plan);
    query.ForgetText();
    // Each common table is put before the ones that are there, so the last goes first.
    for (auto shared = shared_.rbegin(); shared != shared_.rend(); ++shared) {
      query.AddCommonTable(shared->name, std::move(shared->query), !shared->deterministic);
    }
    return query;
  }

 private:
  struct SharedQuery {
    std::string name;
    Statement query;
    bool deterministic;
  };

  void CountReferences(const PlanRef& plan) {
    if (++references_[plan.get()] > 1 || IsConcatenated(*plan)) return;
    if (const auto* repartition = std::get_if<Repartition>(&plan->op())) {
      CountReferences(repartition->input);
    } else if (const auto* query = std::get_if<SqlQuery>(&plan->op())) {
      for (const auto& name : query->query.FreeTableNames()) {
        auto input = query->inputs.find(name);
        if (input != query->inputs.end()) CountReferences(input->second);
      }
    }
  }

  Statement Lower(const PlanRef& plan) {
    bool is_query = std::holds_alternative<SqlQuery>(plan->op()) && !IsConcatenated(*plan);
    if (!is_query || references_[plan.get()] < 2) return LowerOperator(plan);
    auto [entry, is_new] = names_.try_emplace(plan.get());
    if (is_new) {
      Statement query = LowerOperator(plan);
      entry->second = "__smallpond_shared_" + std::to_string(shared_.size());
      bool deterministic = std::get<SqlQuery>(plan->op()).deterministic;
      shared_.push_back({entry->second, std::move(query), deterministic});
    }
    return Statement::Parse("FROM " + QuoteName(entry->second));
  }

  Statement LowerOperator(const PlanRef& plan) {
    if (auto query = read_(plan)) return std::move(*query);
    if (const auto* arrow = std::get_if<ReadArrow>(&plan->op())) {
      return ScanArrow(*arrow->source);
    }
    if (std::holds_alternative<Repartition>(plan->op())) return LowerRepartition(*plan);
    const auto& query = std::get<SqlQuery>(plan->op());
    Statement statement = query.query.Copy();
    statement.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
      auto input = query.inputs.find(name);
      if (input == query.inputs.end()) return std::nullopt;
      return Lower(input->second);
    });
    return statement;
  }

  // Left out, but for the look at numbers of partitions that the data itself brings.
  Statement LowerRepartition(const LogicalPlan& plan) {
    const auto& repartition = std::get<Repartition>(plan.op());
    Statement input = Lower(repartition.input);
    std::string check = PartitionCheck(repartition, plan.partitioning().num_partitions);
    if (check.empty()) return input;
    return SqlOver("SELECT * FROM \"{0}\" WHERE " + check, input);
  }

  const ReadPlan& read_;
  std::map<const LogicalPlan*, int> references_;  // How often the query would read each plan.
  std::map<const LogicalPlan*, std::string> names_;
  std::vector<SharedQuery> shared_;  // Common tables, inputs before what reads them.
};

}  // namespace

bool IsConcatenated(const LogicalPlan& plan) {
  const auto* query = std::get_if<SqlQuery>(&plan.op());
  return query && query->mode == SqlQuery::Mode::kConcatenated && !query->per_partition &&
         plan.partitioning().num_partitions > 1;
}

bool NeedsPartitions(const LogicalPlan& plan) {
  if (IsConcatenated(plan)) return true;
  for (const auto& input : plan.Inputs()) {
    if (NeedsPartitions(*input)) return true;
  }
  return false;
}

Statement LowerPlan(const PlanRef& plan, const ReadPlan& read) { return Lowering(read).Run(plan); }

}  // namespace smallpond
