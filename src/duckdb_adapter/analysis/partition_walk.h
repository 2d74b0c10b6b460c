#pragma once

#include <map>
#include <string>
#include <vector>

#include "duckdb_adapter/analysis/partition_analysis.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// How an operator's rows relate to the partitions, when the plan is run once for each.
struct PartitionState {
  enum class Kind {
    kWhole,        // The same rows in every partition.
    kPartitioned,  // Every row of the global result in exactly one partition.
    kDiffers,      // Neither; `reason` says which construct.
  };

  /// One column that decides the partition: all the plan's columns that hold its value.
  struct Key {
    std::vector<duckdb::ColumnBinding> bindings;
    bool Has(const duckdb::ColumnBinding& binding) const {
      return std::find(bindings.begin(), bindings.end(), binding) != bindings.end();
    }
  };

  static PartitionState Whole() { return {}; }
  static PartitionState Differs(std::string reason) {
    return {Kind::kDiffers, "", {}, std::move(reason)};
  }

  Kind kind = Kind::kWhole;
  std::string layout = "";
  std::vector<Key> keys = {};  // Empty: rows lie anywhere.
  std::string reason = "";
};

/// One pass over a bound, unoptimized plan.
class PartitionWalk {
 public:
  using Marks = std::map<const duckdb::ColumnDataCollection*, const QueryInput*>;
  explicit PartitionWalk(const Marks& marks) : marks_(marks) {}

  PartitionState Visit(duckdb::LogicalOperator& op);

 private:
  using Operator = duckdb::LogicalOperator;

  PartitionState VisitByType(Operator& op);
  PartitionState VisitInput(Operator& op);
  PartitionState VisitProjection(Operator& op);
  PartitionState VisitAggregate(Operator& op);
  PartitionState VisitWindow(Operator& op);
  PartitionState VisitDistinct(Operator& op);
  PartitionState VisitJoin(Operator& op);
  PartitionState JoinPartitioned(Operator& op, duckdb::JoinType type, PartitionState left,
                                 PartitionState right);
  PartitionState VisitSetOperation(Operator& op);
  PartitionState VisitCommonTable(Operator& op);
  PartitionState VisitOther(Operator& op);

  const Marks& marks_;
  std::map<duckdb::idx_t, std::pair<PartitionState, duckdb::vector<duckdb::ColumnBinding>>>
      common_tables_;
};

}  // namespace smallpond
