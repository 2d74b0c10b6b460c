// Where the rows of joins are: PlanCutter's part about joins.

#include "duckdb_adapter/analysis/nondeterministic_part.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/cut/required_properties.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::idx_t;
using duckdb::JoinType;
using duckdb::LogicalOperatorType;

JoinType TypeOf(const duckdb::LogicalOperator& op) {
  return op.Cast<duckdb::LogicalJoin>().join_type;
}

bool IsEquality(const duckdb::JoinCondition& condition) {
  return condition.comparison == duckdb::ExpressionType::COMPARE_EQUAL ||
         condition.comparison == duckdb::ExpressionType::COMPARE_NOT_DISTINCT_FROM;
}

Equalities EqualitiesOf(duckdb::LogicalOperator& op) {
  Equalities found;
  if (op.type == LogicalOperatorType::LOGICAL_ANY_JOIN) return found;
  for (auto& condition : op.Cast<duckdb::LogicalComparisonJoin>().conditions) {
    if (!IsEquality(condition) || condition.left->return_type != condition.right->return_type)
      continue;
    // Keys are computed where rows leave and again where they arrive.
    if (condition.left->IsVolatile() || condition.right->IsVolatile()) continue;
    found.left.push_back(condition.left.get());
    found.right.push_back(condition.right.get());
  }
  return found;
}

duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> CopyAt(
    const std::vector<duckdb::Expression*>& expressions, const std::vector<size_t>& positions) {
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> copies;
  for (size_t position : positions) copies.push_back(expressions[position]->Copy());
  return copies;
}

}  // namespace

Distribution PlanCutter::DistributeJoin(Operator& slot) {
  Distribution left = Distribute(slot->children[0]);
  Distribution right = Distribute(slot->children[1]);
  JoinType type = TypeOf(*slot);
  using Kind = Distribution::Kind;
  bool is_replicated = left.kind == Kind::kReplicated && right.kind == Kind::kReplicated;
  if (is_replicated && NondeterministicPart(*slot).empty()) return left;
  if (!left.is_spread() && !right.is_spread()) return Distribution::Single();

  Equalities equalities = EqualitiesOf(*slot);
  // NULLs on the right decide about every row on the left, so a mark join has to see all of them.
  bool can_hash = !equalities.left.empty() && type != JoinType::MARK;
  bool wants_right = !right.is_spread() || !can_hash || IsSmall(*slot->children[1]);
  if (left.is_spread() && MayHaveAllOf(type, 1) && wants_right) {
    return BroadcastSide(slot, 1, right, left);
  }
  bool wants_left = !left.is_spread() || !can_hash || IsSmall(*slot->children[0]);
  if (right.is_spread() && MayHaveAllOf(type, 0) && wants_left) {
    return BroadcastSide(slot, 0, left, right);
  }
  if (can_hash) return JoinByHash(slot, left, right);
  if (left.is_spread()) Exchange(slot->children[0], left, ExchangeKind::kGather);
  if (right.is_spread()) Exchange(slot->children[1], right, ExchangeKind::kGather);
  NoteGathered(*slot, slot->GetName() + " without an equality");
  return Distribution::Single();
}

Distribution PlanCutter::BroadcastSide(Operator& slot, int side, const Distribution& from,
                                       const Distribution& other) {
  if (from.kind != Distribution::Kind::kReplicated) {
    Exchange(slot->children[static_cast<size_t>(side)], from, ExchangeKind::kBroadcast);
  }
  return other;
}

// Where one side lies by some of what is to be equal already, it stays, and the other follows it.
std::pair<Distribution, Distribution> PlanCutter::BringTogether(Operator& slot, Distribution left,
                                                                Distribution right,
                                                                const Equalities& equalities) {
  auto left_positions = FindKeys(left.keys, equalities.left);
  auto right_positions = FindKeys(right.keys, equalities.right);
  if (!left_positions.empty() && left_positions == right_positions) return {left, right};
  std::vector<size_t> positions = left_positions;
  bool moves_left = left_positions.empty();
  if (moves_left) positions = right_positions;
  bool moves_right = !moves_left || right_positions.empty();
  if (positions.empty()) {
    for (size_t i = 0; i < equalities.left.size(); ++i) positions.push_back(i);
  }
  // Copied first: an exchange replaces columns in the conditions.
  auto left_keys = CopyAt(equalities.left, positions);
  auto right_keys = CopyAt(equalities.right, positions);
  if (moves_left) {
    left = Exchange(slot->children[0], left, ExchangeKind::kHash, std::move(left_keys));
  }
  if (moves_right) {
    right = Exchange(slot->children[1], right, ExchangeKind::kHash, std::move(right_keys));
  }
  return {left, right};
}

Distribution PlanCutter::JoinByHash(Operator& slot, const Distribution& left,
                                    const Distribution& right) {
  auto [left_after, right_after] = BringTogether(slot, left, right, EqualitiesOf(*slot));
  JoinType type = TypeOf(*slot);
  if (type == JoinType::OUTER) return Distribution::Spread();
  if (type != JoinType::INNER) return MayHaveAllOf(type, 1) ? left_after : right_after;
  for (size_t i = 0; i < left_after.keys.size() && i < right_after.keys.size(); ++i) {
    auto& bindings = left_after.keys[i].bindings;
    const auto& more = right_after.keys[i].bindings;
    bindings.insert(bindings.end(), more.begin(), more.end());
  }
  return left_after.keys.empty() ? right_after : left_after;
}

Distribution PlanCutter::DistributeCrossProduct(Operator& slot) {
  Distribution left = Distribute(slot->children[0]);
  Distribution right = Distribute(slot->children[1]);
  using Kind = Distribution::Kind;
  if (left.kind == Kind::kReplicated && right.kind == Kind::kReplicated) return left;
  if (!left.is_spread() && !right.is_spread()) return Distribution::Single();
  bool left_stays = left.is_spread();
  if (left.is_spread() && right.is_spread()) {
    left_stays = EstimateBytes(*slot->children[0]) >= EstimateBytes(*slot->children[1]);
  }
  return left_stays ? BroadcastSide(slot, 1, right, left) : BroadcastSide(slot, 0, left, right);
}

// A join whose right side reads the distinct values of some columns of its left side:
//
//     DELIM JOIN                      COMPARISON JOIN
//     ├── L                    →      ├── scan of fragment L
//     └── … DELIM GET …               └── … DISTINCT columns of another scan of fragment L …
Distribution PlanCutter::DistributeDelimJoin(Operator& slot) {
  auto& join = slot->Cast<duckdb::LogicalComparisonJoin>();
  idx_t source = join.delim_flipped ? 1 : 0;
  Distribution where = Distribute(slot->children[source]);
  Exchange(slot->children[source], where, ExchangeKind::kForward);
  auto& scan = *slot->children[source];
  auto scan_index = scan.Cast<duckdb::LogicalGet>().table_index;

  auto distinct_of = [&](Operator& op) {
    auto group_index = op->Cast<duckdb::LogicalDelimGet>().table_index;
    auto again_index = binder_.GenerateTableIndex();
    auto groups = Copies(join.duplicate_eliminated_columns);
    for (auto& group : groups) {
      duckdb::ExpressionIterator::VisitExpressionMutable<duckdb::BoundColumnRefExpression>(
          group, [&](duckdb::BoundColumnRefExpression& reference,
                     duckdb::unique_ptr<duckdb::Expression>&) {
            if (reference.binding.table_index == scan_index)
              reference.binding.table_index = again_index;
          });
    }
    auto distinct = NewAggregate(binder_, std::move(groups), {});
    distinct->group_index = group_index;
    distinct->children.push_back(ScanAgain(scan, again_index));
    distinct->ResolveOperatorTypes();
    op = std::move(distinct);
  };
  // A join of this kind further down has the values in its right side; its left side may have ours.
  std::function<void(Operator&)> replace = [&](Operator& op) {
    if (op->type == LogicalOperatorType::LOGICAL_DELIM_GET) return distinct_of(op);
    if (op->type == LogicalOperatorType::LOGICAL_DELIM_JOIN) {
      replace(op->children[op->Cast<duckdb::LogicalComparisonJoin>().delim_flipped ? 1 : 0]);
      return;
    }
    for (auto& child : op->children) replace(child);
  };
  replace(slot->children[1 - source]);
  join.duplicate_eliminated_columns.clear();
  join.delim_flipped = false;
  slot->type = LogicalOperatorType::LOGICAL_COMPARISON_JOIN;
  return DistributeJoin(slot);
}

}  // namespace smallpond
