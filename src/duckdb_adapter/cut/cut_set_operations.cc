// Where the rows of set operations are: PlanCutter's part about UNION, EXCEPT and INTERSECT.

#include "duckdb/planner/expression_binder.hpp"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

using duckdb::LogicalType;
using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

// Whether texts of this type are compared by a collation.
bool IsCollated(const LogicalType& type) {
  return duckdb::TypeVisitor::Contains(type, [](const LogicalType& part) {
    return part.id() == duckdb::LogicalTypeId::VARCHAR &&
           !duckdb::StringType::GetCollation(part).empty();
  });
}

// What decides whether rows of this side are equal to rows of the other: all columns, as values of
// these types are compared.
Expressions ComparedKeys(duckdb::ClientContext& context, duckdb::LogicalOperator& side,
                         const duckdb::vector<duckdb::LogicalType>& types) {
  Expressions keys = ColumnRefs(side);
  for (duckdb::idx_t i = 0; i < keys.size(); ++i) {
    duckdb::ExpressionBinder::PushCollation(context, keys[i], types[i]);
  }
  return keys;
}

}  // namespace

Distribution PlanCutter::DistributeUnion(Operator& slot) {
  // Each task would have a part of every input, and the next one another.
  if (keep_order_ && unions_in_order_.count(slot.get())) {
    return GatherChildren(slot, "UNION ALL in the order of its inputs");
  }
  auto& set = slot->Cast<duckdb::LogicalSetOperation>();
  if (!set.setop_all) {  // All rows, of which doubles go.
    set.setop_all = true;
    slot->ResolveOperatorTypes();
    auto distinct = duckdb::make_uniq<duckdb::LogicalDistinct>(ColumnRefs(*slot),
                                                               duckdb::DistinctType::DISTINCT);
    distinct->children.push_back(std::move(slot));
    slot = std::move(distinct);
    return DistributeDistinct(slot);
  }
  std::vector<Distribution> where;
  bool any_spread = false;
  for (auto& child : slot->children) {
    where.push_back(Distribute(child));
    any_spread = any_spread || where.back().is_spread();
  }
  if (!any_spread) return Distribution::Single();
  // What one task has is read by one task, so that its rows come once.
  for (size_t i = 0; i < where.size(); ++i) {
    if (!where[i].is_spread()) Exchange(slot->children[i], where[i], ExchangeKind::kForward);
  }
  return Distribution::Spread();
}

// EXCEPT and INTERSECT, with ALL and without: equal rows of both sides meet in one task, which
// counts those that are there more than once as one DuckDB does.
Distribution PlanCutter::DistributeSetOperation(Operator& slot) {
  slot->ResolveOperatorTypes();
  // It goes by the types that are left when a projection has gone that only adds a collation, and
  // what moves between tasks has the types of the plan.
  bool is_collated = std::any_of(slot->children.begin(), slot->children.end(), [](auto& side) {
    return std::any_of(side->types.begin(), side->types.end(), IsCollated);
  });
  if (is_collated) {
    throw Error(ErrorKind::kUnsupported, "whether DuckDB compares texts by their collation in " +
                                             slot->GetName() + " depends on its plan");
  }
  Distribution left = Distribute(slot->children[0]);
  Distribution right = Distribute(slot->children[1]);
  if (!left.is_spread() && !right.is_spread()) return Distribution::Single();
  auto& set = slot->Cast<duckdb::LogicalSetOperation>();
  for (auto& side : slot->children) {
    side->ResolveOperatorTypes();
    if (!set.setop_all) DropDoubles(side, ColumnRefs(*side));
  }
  slot->ResolveOperatorTypes();
  const auto types = slot->types;
  Expressions left_keys = ComparedKeys(context_, *slot->children[0], types);
  Expressions right_keys = ComparedKeys(context_, *slot->children[1], types);
  Equalities all;
  for (auto& key : left_keys) all.left.push_back(key.get());
  for (auto& key : right_keys) all.right.push_back(key.get());
  Distribution where = BringTogether(slot, left, right, all).first;
  slot->ResolveOperatorTypes();
  return Distribution::Spread(
      ProjectKeys(where.keys, set.table_index, ColumnRefs(*slot->children[0])));
}

}  // namespace smallpond
