#include "session/explain_frame.h"

#include <algorithm>
#include <chrono>

#include "base/worker_layout.h"
#include "plan/lower_plan.h"
#include "planner/scan_splits.h"

namespace smallpond {
namespace {

void TellWhere(SessionState& session, FrameExplanation& explanation) {
  const Options& options = session.options();
  explanation.road = ExecutorKindName(options.executor.value_or(ExecutorKind::kDirect));
  const DatabaseLimits limits = session.DatabaseLimitsInForce();
  explanation.threads = limits.threads;
  explanation.memory_bytes = limits.memory_bytes;
  if (options.executor == ExecutorKind::kProcesses) {
    WorkerLayout layout = WorkerLayoutOf(options);
    explanation.workers = layout.num_workers;
    explanation.threads = layout.threads_per_worker;
  } else if (options.executor == ExecutorKind::kRay) {
    explanation.workers = 0;
    explanation.threads = 0;
  }
}

// The stages without running them, or why there are none.
void TellStages(PlanRun& run, const PlanRef& plan, FrameExplanation& explanation) {
  auto start = std::chrono::steady_clock::now();
  auto stages = run.PlanStages(plan, &explanation.whole_because);
  if (!stages) return;
  std::chrono::duration<double> planning = std::chrono::steady_clock::now() - start;
  JobReport job;
  job.graph = std::move(stages->graph);
  job.notes = std::move(stages->notes);
  job.plan_seconds = planning.count();
  explanation.job = std::move(job);
}

}  // namespace

FrameExplanation ExplainFrame(SessionState& session, const PlanRef& plan,
                              const ExplainOptions& options, Connection& connection, PlanRun& run) {
  FrameExplanation explanation;
  TellWhere(session, explanation);
  explanation.steps = ExplainSteps(plan, [&](const PlanRef& read) {
    const ResolvedScan& files = run.Resolve(read);
    const FileScan& scan = std::get<ReadFiles>(read->op()).scan;
    SplitTarget target = SplitTargetOf(session.options());
    return DescribeSplits(files.paths.size(), PlanSplits(connection, scan, files, target));
  });
  if (session.stages() && options.analyze) {
    auto job = run.RunStages(plan, &explanation.whole_because);
    if (job) explanation.job = job->report();
  } else if (session.stages()) {
    TellStages(run, plan, explanation);
  }
  if (explanation.job || (NeedsPartitions(*plan) && !options.analyze)) return explanation;
  explanation.duckdb_plan =
      connection.ExplainPlan(run.Query(plan), {.analyze = options.analyze, .json = options.json});
  return explanation;
}

}  // namespace smallpond
