#pragma once

#include "action/plan_run.h"
#include "duckdb_adapter/connection/connection.h"
#include "observe/frame_explanation.h"
#include "plan/logical_plan.h"
#include "session/session_state.h"
#include "smallpond/options.h"

namespace smallpond {

/// Finds out how a frame's plan is computed. With `analyze` it is computed by `run`, which uses
/// `connection`, and the rows are dropped. Throws what planning, or computing, throws.
FrameExplanation ExplainFrame(SessionState& session, const PlanRef& plan,
                              const ExplainOptions& options, Connection& connection, PlanRun& run);

}  // namespace smallpond
