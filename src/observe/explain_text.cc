#include "observe/explain_text.h"

#include <cmath>

#include "observe/amounts.h"

namespace smallpond {
namespace {

// Of an estimate, which need not be a whole number, nor known.
uint64_t Whole(double estimate) {
  return estimate > 0 ? static_cast<uint64_t>(std::llround(estimate)) : 0;
}

std::string WhereText(const FrameExplanation& explanation) {
  std::string threads = CountText(static_cast<uint64_t>(explanation.threads), "thread");
  std::string memory = std::to_string(explanation.memory_bytes / 1'000'000) + " MB of memory";
  if (explanation.road == "direct") {
    return "direct: one DuckDB in this process, " + threads + ", " + memory;
  }
  if (explanation.road == "threads") return "threads: tasks on " + threads + ", " + memory;
  if (explanation.road == "processes") {
    auto workers = static_cast<uint64_t>(explanation.workers);
    return "processes: " + CountText(workers, "worker") + " of " + threads;
  }
  return explanation.road + ": a worker on each node of the cluster";
}

std::string RowsText(uint64_t rows) { return CountText(rows, "row"); }
std::string WallText(uint64_t ms) { return TimeText(static_cast<int64_t>(ms)); }

std::string SpreadText(const Spread& spread, std::string (*format)(uint64_t)) {
  return format(spread.min) + " / " + format(spread.median) + " / " + format(spread.max);
}

std::string ActualText(const StageSummary& done, int attempts) {
  std::string text = "  actual: " + RowsText(done.rows) + ", " + BytesText(done.bytes) + "; " +
                     CountText(static_cast<uint64_t>(attempts), "attempt") + ", " +
                     TimeText(done.wall_ms) + ", cpu " + TimeText(done.cpu_ms) + "; memory " +
                     BytesText(done.peak_memory_bytes) + ", spilled " +
                     BytesText(done.spilled_bytes) + "\n";
  if (done.tasks < 2) return text;
  return text + "  per task, min / median / max: " + SpreadText(done.rows_per_task, NumberText) +
         " rows; " + SpreadText(done.bytes_per_task, BytesText) + "; " +
         SpreadText(done.wall_ms_per_task, WallText) + "\n";
}

std::string StageText(const JobReport& job, const Stage& stage) {
  auto position = static_cast<size_t>(stage.id);
  bool is_result = position + 1 == job.graph.stages.size();
  std::string text = "stage " + std::to_string(stage.id) + ": " +
                     CountText(static_cast<uint64_t>(stage.num_tasks), "task");
  if (stage.output.num_partitions > 1) {
    text += ", each writes " +
            CountText(static_cast<uint64_t>(stage.output.num_partitions), "partition");
  }
  text += std::string(is_result ? ", the result" : "") + "; estimated " +
          RowsText(Whole(stage.estimated_rows)) + ", " + BytesText(Whole(stage.estimated_bytes)) +
          "\n";
  if (!job.stages.empty()) text += ActualText(job.stages[position], job.attempts[position]);
  const auto& notes = job.notes[position];
  for (const auto& why : notes.gathered) text += "  gathered to one task: " + why + "\n";
  for (const auto& op : notes.operators) {
    text += "  " + std::string(2 * static_cast<size_t>(op.depth), ' ') + op.text + "\n";
  }
  return text;
}

std::string JobText(const JobReport& job) {
  uint64_t tasks = 0;
  for (const auto& stage : job.graph.stages) tasks += static_cast<uint64_t>(stage.num_tasks);
  std::string text = CountText(job.graph.stages.size(), "stage") + ", " + CountText(tasks, "task") +
                     "; planned in " + TimeText(static_cast<int64_t>(job.plan_seconds * 1000));
  if (!job.stages.empty()) {
    text += ", ran in " + TimeText(static_cast<int64_t>(job.run_seconds * 1000));
  }
  text += "\n";
  for (const auto& stage : job.graph.stages) text += "\n" + StageText(job, stage);
  return text;
}

}  // namespace

std::string FormatText(const FrameExplanation& explanation) {
  std::string text = WhereText(explanation) + "\n\n" + FormatSteps(explanation.steps) + "\n";
  if (explanation.job) return text + JobText(*explanation.job);
  if (!explanation.whole_because.empty()) {
    text += "runs whole in this process: " + explanation.whole_because + "\n\n";
  }
  if (explanation.duckdb_plan.empty()) {
    return text +
           "DuckDB's plan depends on the partitions, which are made when the frame is run.\n";
  }
  return text + explanation.duckdb_plan;
}

}  // namespace smallpond
