#pragma once

#include <functional>
#include <optional>

#include "plan/logical_plan.h"

namespace smallpond {

using ReadPlan = std::function<std::optional<Statement>(const PlanRef&)>;

/// Whether the rows of `plan` itself depend on partitions: `partial_sql(merge="concat")` over a
/// repartitioned input.
bool IsConcatenated(const LogicalPlan& plan);

/// Whether `plan` or a plan below it is concatenated.
bool NeedsPartitions(const LogicalPlan& plan);

/// Turns a plan into one query with the plan's rows:
///
///     sql ── repartition ── scan        SELECT … FROM (SELECT * FROM read_parquet(…)) …
///
/// A repartition is left out, since the answer does not depend on it; by a column, its numbers are
/// still looked at, so that a wrong one is an error on every road. What several parts of the
/// query read becomes a common table, computed once; files are read by each. For a concatenated
/// plan `read` gives the query.
Statement LowerPlan(const PlanRef& plan, const ReadPlan& read);

}  // namespace smallpond
