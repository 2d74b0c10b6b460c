#pragma once

#include <string>

#include "plan/logical_plan.h"

namespace smallpond {

/// Returns the plan as a tree, one step a line, with what is merged, left out or run per partition,
/// and why.
std::string ExplainSteps(const LogicalPlan& plan);

/// Returns what the caller of partial_sql should know about `plan` itself, or "".
std::string MergeNotice(const LogicalPlan& plan);

}  // namespace smallpond
