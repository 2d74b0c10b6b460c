#include "observe/explain_steps.h"

#include "observe/amounts.h"
#include "plan/lower_plan.h"

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
  if (seen) return "carried out: each partition gets its rows";
  bool by_column = std::get<Repartition>(plan.op()).way == Repartition::Way::kColumn;
  return std::string("elided: the answer does not depend on partitions") +
         (by_column ? "; only the numbers are checked" : "");
}

using NoteForFiles = std::function<std::string(const PlanRef&)>;

ExplainedStep Explain(const PlanRef& plan, const NoteForFiles& note_for_files, bool seen) {
  bool is_read = std::holds_alternative<ReadFiles>(plan->op());
  ExplainedStep explained{plan->Describe(), is_read ? note_for_files(plan) : Note(*plan, seen), {}};
  bool works_on_partitions = IsConcatenated(*plan);
  for (const auto& input : plan->Inputs()) {
    bool input_seen = works_on_partitions && input->partitioning().num_partitions > 1;
    explained.inputs.push_back(Explain(input, note_for_files, input_seen));
  }
  return explained;
}

void Append(const ExplainedStep& step, const std::string& first, const std::string& rest,
            std::string& out) {
  out += first + step.step + "\n";
  if (!step.note.empty()) out += rest + (step.inputs.empty() ? "    " : "│   ") + step.note + "\n";
  for (const auto& input : step.inputs) {
    bool is_last = &input == &step.inputs.back();
    Append(input, rest + (is_last ? "└── " : "├── "), rest + (is_last ? "    " : "│   "), out);
  }
}

}  // namespace

ExplainedStep ExplainSteps(const PlanRef& plan, const NoteForFiles& note_for_files) {
  return Explain(plan, note_for_files, false);
}

std::string FormatSteps(const ExplainedStep& steps) {
  std::string out;
  Append(steps, "", "", out);
  return out;
}

std::string DescribeSplits(size_t num_files, const std::vector<Split>& splits) {
  uint64_t bytes = 0;
  for (const auto& split : splits) bytes += split.bytes;
  return CountText(num_files, "file") + ", " + BytesText(bytes) + "; " +
         CountText(splits.size(), "split") + " where it is cut into tasks";
}

std::string MergeNotice(const LogicalPlan& plan) {
  const auto* query = std::get_if<SqlQuery>(&plan.op());
  if (!query || query->mode != SqlQuery::Mode::kPartial || query->merged_because.empty()) return "";
  return "partial_sql merged the partitions: " + query->merged_because +
         " sees rows of several partitions. This is the answer of sql(); merge=\"concat\" gives "
         "each partition's own "
         "result, as smallpond 0.15 did.";
}

std::string UnreadNotice(const LogicalPlan& plan) {
  constexpr size_t kNamed = 3;
  const auto* read = std::get_if<ReadFiles>(&plan.op());
  if (!read || read->unread.empty()) return "";
  std::string names;
  bool has_folder = false;
  for (size_t i = 0; i < read->unread.size(); ++i) {
    has_folder = has_folder || read->unread[i].ends_with('/');
    if (i < kNamed) names += (i == 0 ? "'" : ", '") + read->unread[i] + "'";
  }
  if (read->unread.size() > kNamed) {
    names += " and " + std::to_string(read->unread.size() - kNamed) + " others";
  }
  return read->scan.function + " does not read " + names +
         ": their names have no ending of the format, or smallpond wrote the folder and not them. "
         "Name the files to read them" +
         (has_folder ? ", or use recursive=True to read folders with what is in them." : ".");
}

}  // namespace smallpond
