#pragma once

#include "duckdb_adapter/connection.h"
#include "executor/direct_run.h"
#include "observe/explain.h"
#include "plan/logical_plan.h"
#include "session/session_state.h"
#include "smallpond/options.h"

namespace smallpond {

/// Finds out how a frame's plan is computed. With `analyze` it is computed by `run`, which uses
/// `connection`, and the rows are dropped. Throws what planning, or computing, throws.
FrameExplanation ExplainFrame(SessionState& session, const PlanRef& plan,
                              const ExplainOptions& options, Connection& connection,
                              DirectRun& run);

}  // namespace smallpond
