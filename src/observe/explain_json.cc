#include "observe/explain_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace smallpond {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;  // Raised where a key changes its meaning; new keys come without.

Json WholeOrNull(double estimate) {
  return estimate < 0 ? Json(nullptr) : Json(std::llround(estimate));
}

Json StepJson(const ExplainedStep& step) {
  Json inputs = Json::array();
  for (const auto& input : step.inputs) inputs.push_back(StepJson(input));
  return {{"step", step.step}, {"note", step.note}, {"inputs", std::move(inputs)}};
}

Json SpreadJson(const Spread& spread) {
  return {{"min", spread.min}, {"median", spread.median}, {"max", spread.max}};
}

Json ActualJson(const StageSummary& done, int attempts) {
  return {{"rows", done.rows},
          {"bytes", done.bytes},
          {"attempts", attempts},
          {"wall_ms", done.wall_ms},
          {"cpu_ms", done.cpu_ms},
          {"peak_memory_bytes", done.peak_memory_bytes},
          {"spilled_bytes", done.spilled_bytes},
          {"per_task",
           {{"rows", SpreadJson(done.rows_per_task)},
            {"bytes", SpreadJson(done.bytes_per_task)},
            {"wall_ms", SpreadJson(done.wall_ms_per_task)}}}};
}

Json StageJson(const JobReport& job, const Stage& stage) {
  auto position = static_cast<size_t>(stage.id);
  const auto& notes = job.notes[position];
  Json inputs = Json::array();
  for (const auto& input : stage.inputs) {
    inputs.push_back({{"stage", input.stage},
                      {"exchange", ExchangeKindName(input.kind)},
                      {"exclusive", input.exclusive}});
  }
  Json operators = Json::array();
  for (const auto& op : notes.operators) {
    operators.push_back({{"depth", op.depth},
                         {"operator", op.text},
                         {"estimated_rows", WholeOrNull(op.estimated_rows)}});
  }
  Json json = {{"stage", stage.id},
               {"tasks", stage.num_tasks},
               {"partitions", stage.output.num_partitions},
               {"deterministic", stage.deterministic},
               {"inputs", std::move(inputs)},
               {"operators", std::move(operators)},
               {"gathered", notes.gathered},
               {"estimated_rows", WholeOrNull(stage.estimated_rows)},
               {"estimated_bytes", WholeOrNull(stage.estimated_bytes)}};
  if (!job.stages.empty()) {
    json["actual"] = ActualJson(job.stages[position], job.attempts[position]);
  }
  return json;
}

// Paths can hold any bytes.
std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// DuckDB's plan as it is if it is JSON, else as the text that it is.
Json PlanJson(const std::string& plan) {
  if (plan.empty()) return nullptr;
  Json json = Json::parse(plan, nullptr, false);
  return json.is_discarded() ? Json(plan) : json;
}

}  // namespace

std::string FormatJson(const FrameExplanation& explanation) {
  Json json = {{"format", kFormat},
               {"road", explanation.road},
               {"workers", explanation.workers},
               {"threads", explanation.threads},
               {"memory_bytes", explanation.memory_bytes},
               {"steps", StepJson(explanation.steps)}};
  if (!explanation.job) {
    bool has_stages = explanation.road != "direct";
    if (has_stages) json["whole_because"] = explanation.whole_because;
    json["duckdb_plan"] = PlanJson(explanation.duckdb_plan);
    return Dump(json);
  }
  const JobReport& job = *explanation.job;
  json["plan_ms"] = std::llround(job.plan_seconds * 1000);
  if (!job.stages.empty()) json["run_ms"] = std::llround(job.run_seconds * 1000);
  json["stages"] = Json::array();
  for (const auto& stage : job.graph.stages) json["stages"].push_back(StageJson(job, stage));
  return Dump(json);
}

}  // namespace smallpond
