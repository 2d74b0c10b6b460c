// Where the rows of windows are: PlanCutter's part about OVER.

#include "duckdb_adapter/cut/plan_cutter.h"

namespace smallpond {
namespace {

using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

const Expressions& PartitionsOf(const duckdb::Expression& window) {
  return window.Cast<duckdb::BoundWindowExpression>().partitions;
}

// What all windows of an operator are partitioned by, each as the binder made it, with its
// collation: rows with equal values of these are all that a window of any of them sees. One value
// for all rows is no such key, nor is one that may differ where rows leave and where they arrive.
Expressions CommonKeys(const duckdb::LogicalOperator& op) {
  Expressions keys;
  for (const auto& key : PartitionsOf(*op.expressions[0])) {
    if (key->IsVolatile() || key->IsFoldable()) continue;
    auto has_key = [&](const auto& window) {
      const auto& partitions = PartitionsOf(*window);
      return std::any_of(partitions.begin(), partitions.end(),
                         [&](const auto& partition) { return partition->Equals(*key); });
    };
    if (std::all_of(op.expressions.begin(), op.expressions.end(), has_key)) {
      keys.push_back(key->Copy());
    }
  }
  return keys;
}

}  // namespace

Distribution PlanCutter::DistributeWindow(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  if (!where.is_spread()) return Distribution::Single();
  if (numberings_.count(slot.get())) return where;  // Each task counts its own.
  Expressions keys = CommonKeys(*slot);
  if (keys.empty()) {
    NoteGathered(*slot, "windows without a common PARTITION BY");
    return Exchange(slot->children[0], where, ExchangeKind::kGather);
  }
  std::vector<duckdb::Expression*> partitions;
  for (auto& key : keys) partitions.push_back(key.get());
  if (!FindKeys(where.keys, partitions).empty()) return where;
  return Exchange(slot->children[0], where, ExchangeKind::kHash, std::move(keys));
}

}  // namespace smallpond
