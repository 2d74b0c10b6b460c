#pragma once

#include <map>

#include "action/plan_run.h"
#include "planner/stage_plan.h"

namespace smallpond {

/// Turns frames' plans into the queries of a job's stages. Partitions that can be seen are made by
/// stages, and so are rows that only this process has:
///
///     partial_sql(concat) ── repartition ── table in memory
///           │                   │              └ given: this process writes it, in pieces
///           │                   └ its rows go to partitions by number
///           └ run as it is on partition i by task i
///
/// One thread uses it; run and planner must outlive it.
class StagedQuery {
 public:
  StagedQuery(PlanRun& run, StagePlanner& planner) : run_(run), planner_(planner) {}

  /// Returns the query for all rows of `plan`, to be cut.
  Statement Rows(const PlanRef& plan);
  /// Returns the query for the rows of one partition of `plan`, to be run on each.
  Statement PartitionRows(const PlanRef& plan);

 private:
  using Readers = QueryCutter::Readers;

  using Fragments = std::map<const LogicalPlan*, int>;

  // These return fragments, each cut once.
  int Spread(const PlanRef& plan);
  int PerPartition(const PlanRef& plan);
  int Whole(const PlanRef& plan);
  int Given(const PlanRef& plan, const Statement& rows, const ArrowSource& source);
  template <class Cut>
  static int Once(Fragments& fragments, const PlanRef& plan, const Cut& cut) {
    auto found = fragments.find(plan.get());
    return found != fragments.end() ? found->second : fragments[plan.get()] = cut();
  }
  Statement RowsOf(int fragment, Readers readers) {
    return planner_.cutter().RowsOf(fragment, readers);
  }

  PlanRun& run_;
  StagePlanner& planner_;
  Fragments spread_;
  Fragments per_partition_;
  Fragments whole_;
  Fragments given_;
};

}  // namespace smallpond
