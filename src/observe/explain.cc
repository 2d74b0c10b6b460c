#include "observe/explain.h"

#include "executor/lower_plan.h"

namespace smallpond {
namespace {

std::string NoteForQuery(const SqlQuery& query, const LogicalPlan& plan) {
  std::string n = std::to_string(plan.partitioning().num_partitions);
  switch (query.mode) {
    case SqlQuery::Mode::kGlobal:
      return "one query over all rows";
    case SqlQuery::Mode::kPartial:
      if (!query.merged_because.empty()) {
        return "merged: " + query.merged_because +
               " sees rows of several partitions; one query over all rows";
      }
      return plan.partitioning().num_partitions > 1
                 ? "each of " + n +
                       " partitions gives its own rows; one query over all rows does the same"
                 : "one query over all rows";
    case SqlQuery::Mode::kConcatenated:
      if (plan.partitioning().num_partitions == 1) return "one query over all rows";
      return query.per_partition
                 ? "each of " + n +
                       " partitions gives its own rows; one query over all rows does the same"
                 : "run on each of " + n + " partitions; the results one after the other";
  }
  return "";
}

// `seen` tells whether the step above works on this step's partitions.
std::string Note(const LogicalPlan& plan, bool seen) {
  if (const auto* query = std::get_if<SqlQuery>(&plan.op())) return NoteForQuery(*query, plan);
  if (!std::holds_alternative<Repartition>(plan.op())) return "";
  return seen ? "carried out: a temporary table with the number of the partition"
              : "elided: the answer does not depend on partitions";
}

void Append(const LogicalPlan& plan, const std::string& first, const std::string& rest, bool seen,
            std::string& out) {
  std::string note = Note(plan, seen);
  out += first + plan.Describe() + "\n";
  auto inputs = plan.Inputs();
  if (!note.empty()) out += rest + (inputs.empty() ? "    " : "│   ") + note + "\n";
  bool works_on_partitions = IsConcatenated(plan);
  for (size_t i = 0; i < inputs.size(); ++i) {
    bool is_last = i + 1 == inputs.size();
    bool input_seen = works_on_partitions && inputs[i]->partitioning().num_partitions > 1;
    Append(*inputs[i], rest + (is_last ? "└── " : "├── "), rest + (is_last ? "    " : "│   "),
           input_seen, out);
  }
}

}  // namespace

std::string ExplainSteps(const LogicalPlan& plan) {
  std::string out;
  Append(plan, "", "", false, out);
  return out;
}

std::string MergeNotice(const LogicalPlan& plan) {
  const auto* query = std::get_if<SqlQuery>(&plan.op());
  if (!query || query->mode != SqlQuery::Mode::kPartial || query->merged_because.empty()) return "";
  return "partial_sql merged the partitions: " + query->merged_because +
         " sees rows of several partitions. This is the answer of sql(); merge=\"concat\" gives "
         "each partition's own "
         "result, as smallpond 0.15 did.";
}

}  // namespace smallpond
