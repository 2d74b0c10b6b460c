#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plan/logical_plan.h"
#include "storage/input/splits.h"

namespace smallpond {

/// One step of a frame, and what is done about it.
struct ExplainedStep {
  std::string step;  ///< "repartition(7)"
  std::string note;  ///< "elided: …", or "" where there is nothing to tell.
  std::vector<ExplainedStep> inputs;
};

/// Tells what is merged, left out or run per partition, and why. `note_for_files` says more about a
/// ReadFiles step, in one line.
ExplainedStep ExplainSteps(const PlanRef& plan,
                           const std::function<std::string(const PlanRef&)>& note_for_files);

/// Returns the steps as a tree, one a line, with their notes below.
std::string FormatSteps(const ExplainedStep& steps);

/// Returns how much is read and by how many tasks, for example "12 files, 3.1 GB; 13 splits where
/// it is cut into tasks".
std::string DescribeSplits(size_t num_files, const std::vector<Split>& splits);

/// Returns what the caller of partial_sql should know about `plan` itself, or "".
std::string MergeNotice(const LogicalPlan& plan);

/// Returns what the caller of a reader should know about `plan` itself: what its folders hold and
/// is not read. Or "".
std::string UnreadNotice(const LogicalPlan& plan);

}  // namespace smallpond
