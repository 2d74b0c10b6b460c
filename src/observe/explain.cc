#include "observe/explain.h"

#include <cstdio>

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
  if (seen) return "carried out: a temporary table with the number of the partition";
  bool by_column = std::get<Repartition>(plan.op()).way == Repartition::Way::kColumn;
  return std::string("elided: the answer does not depend on partitions") +
         (by_column ? "; only the numbers are checked" : "");
}

using NoteForFiles = std::function<std::string(const PlanRef&)>;

void Append(const PlanRef& plan, const NoteForFiles& note_for_files, const std::string& first,
            const std::string& rest, bool seen, std::string& out) {
  bool is_read = std::holds_alternative<ReadFiles>(plan->op());
  std::string note = is_read ? note_for_files(plan) : Note(*plan, seen);
  out += first + plan->Describe() + "\n";
  auto inputs = plan->Inputs();
  if (!note.empty()) out += rest + (inputs.empty() ? "    " : "│   ") + note + "\n";
  bool works_on_partitions = IsConcatenated(*plan);
  for (size_t i = 0; i < inputs.size(); ++i) {
    bool is_last = i + 1 == inputs.size();
    bool input_seen = works_on_partitions && inputs[i]->partitioning().num_partitions > 1;
    Append(inputs[i], note_for_files, rest + (is_last ? "└── " : "├── "),
           rest + (is_last ? "    " : "│   "), input_seen, out);
  }
}

std::string Count(size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

// With three digits or so, as people read them: "3.1 GB".
std::string Size(uint64_t bytes) {
  const char* unit = "bytes";
  auto number = static_cast<double>(bytes);
  for (const char* larger : {"kB", "MB", "GB", "TB"}) {
    if (number < 1000) break;
    number /= 1000;
    unit = larger;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %s", bytes >= 1000 && number < 10 ? 1 : 0, number, unit);
  return text;
}

}  // namespace

std::string ExplainSteps(const PlanRef& plan, const NoteForFiles& note_for_files) {
  std::string out;
  Append(plan, note_for_files, "", "", false, out);
  return out;
}

std::string DescribeSplits(size_t num_files, const std::vector<Split>& splits) {
  uint64_t bytes = 0;
  for (const auto& split : splits) bytes += split.bytes;
  return Count(num_files, "file") + ", " + Size(bytes) + "; " + Count(splits.size(), "split") +
         " where it is cut into tasks";
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
