#include "duckdb_adapter/mends/runtime_filters.h"

#include <algorithm>
#include <set>

#include "duckdb/execution/operator/join/join_filter_pushdown.hpp"
#include "duckdb/optimizer/optimizer_extension.hpp"

namespace smallpond {
namespace {

using duckdb::JoinType;
using duckdb::LogicalGet;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using Scans = std::set<const LogicalGet*>;

// Whether rows of the operator depend on others that a filter below it would remove, although the
// filter's column passes through it.
bool CountsOtherRows(const LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_TOP_N:
      return true;
    case LogicalOperatorType::LOGICAL_DISTINCT:
      return op.Cast<duckdb::LogicalDistinct>().distinct_type == duckdb::DistinctType::DISTINCT_ON;
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN: {
      // Rows of the right side that lose their match come with NULLs instead.
      auto type = op.Cast<duckdb::LogicalJoin>().join_type;
      return type == JoinType::RIGHT || type == JoinType::OUTER;
    }
    case LogicalOperatorType::LOGICAL_GET: {
      const auto& get = op.Cast<LogicalGet>();
      return get.extra_info.sample_options || get.ordinality_idx.IsValid();
    }
    default:
      return false;
  }
}

// Adds the scans to which DuckDB may send filters from above `op`: all of them, or those alone on
// whose way no operator counts other rows.
void AddScans(const LogicalOperator& op, bool all, Scans& scans) {
  if (!all && CountsOtherRows(op)) return;
  if (op.type == LogicalOperatorType::LOGICAL_GET) {
    scans.insert(&op.Cast<LogicalGet>());
    return;
  }
  // The left side of a join and of EXCEPT; every side of other set operations.
  bool is_set_operation = op.type == LogicalOperatorType::LOGICAL_UNION ||
                          op.type == LogicalOperatorType::LOGICAL_INTERSECT;
  for (const auto& child : op.children) {
    AddScans(*child, all, scans);
    if (!is_set_operation) return;
  }
}

Scans ScansBelow(const LogicalOperator& op, bool all) {
  Scans scans;
  AddScans(op, all, scans);
  return scans;
}

void KeepFilters(duckdb::LogicalComparisonJoin& join) {
  Scans scans = ScansBelow(*join.children[0], false);
  auto& targets = join.filter_pushdown->probe_info;
  auto is_beyond = [&](const duckdb::JoinFilterPushdownFilter& target) {
    return std::none_of(scans.begin(), scans.end(), [&](const LogicalGet* scan) {
      return scan->dynamic_filters == target.dynamic_filters;
    });
  };
  // What is left of the join's summary, the range of its keys, also makes perfect hash tables.
  targets.erase(std::remove_if(targets.begin(), targets.end(), is_beyond), targets.end());
}

}  // namespace

void KeepRuntimeFiltersAboveLimits(LogicalOperator& plan) {
  for (auto& child : plan.children) KeepRuntimeFiltersAboveLimits(*child);
  if (plan.type == LogicalOperatorType::LOGICAL_COMPARISON_JOIN) {
    auto& join = plan.Cast<duckdb::LogicalComparisonJoin>();
    if (join.filter_pushdown) KeepFilters(join);
  } else if (plan.type == LogicalOperatorType::LOGICAL_TOP_N) {
    auto& top = plan.Cast<duckdb::LogicalTopN>();
    bool is_beyond = ScansBelow(*top.children[0], true) != ScansBelow(*top.children[0], false);
    // The scans' filter never gets a value then, and lets all rows through.
    if (top.dynamic_filter && is_beyond) top.dynamic_filter.reset();
  }
}

void RegisterRuntimeFilterRule(duckdb::DatabaseInstance& database) {
  duckdb::OptimizerExtension rule;
  rule.optimize_function = [](duckdb::OptimizerExtensionInput&,
                              duckdb::unique_ptr<LogicalOperator>& plan) {
    KeepRuntimeFiltersAboveLimits(*plan);
  };
  duckdb::OptimizerExtension::Register(duckdb::DBConfig::GetConfig(database), std::move(rule));
}

}  // namespace smallpond
