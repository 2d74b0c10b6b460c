// Where the rows of joins are: PlanCutter's part about joins.

#include "duckdb_adapter/analysis/nondeterministic_part.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/cut/required_properties.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "duckdb_adapter/row_order.h"

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

size_t NumRanges(duckdb::LogicalOperator& op) {
  idx_t ranges = 0;
  if (op.type == LogicalOperatorType::LOGICAL_COMPARISON_JOIN)
    op.Cast<duckdb::LogicalComparisonJoin>().HasEquality(ranges);
  return ranges;
}

// Whether a mark is never NULL.
bool AreNullsEqual(const duckdb::LogicalOperator& op) {
  if (op.type != LogicalOperatorType::LOGICAL_COMPARISON_JOIN) return false;
  const auto& conditions = op.Cast<duckdb::LogicalComparisonJoin>().conditions;
  return std::all_of(conditions.begin(), conditions.end(), [](const auto& condition) {
    return condition.comparison == duckdb::ExpressionType::COMPARE_NOT_DISTINCT_FROM;
  });
}

// Whether a mark says that a row's key is among those of the other side, and nothing else.
bool IsKeyInRows(duckdb::LogicalOperator& op) {
  if (op.type != LogicalOperatorType::LOGICAL_COMPARISON_JOIN || TypeOf(op) != JoinType::MARK)
    return false;
  const auto& conditions = op.Cast<duckdb::LogicalComparisonJoin>().conditions;
  return conditions.size() == 1 &&
         conditions[0].comparison == duckdb::ExpressionType::COMPARE_EQUAL &&
         EqualitiesOf(op).left.size() == 1;
}

// Whether rows that are equal can be more than two heaps.
bool HasManyKeys(const Equalities& equalities) {
  return std::any_of(equalities.left.begin(), equalities.left.end(), [](const auto* key) {
    return key->return_type.id() != duckdb::LogicalTypeId::BOOLEAN;
  });
}

idx_t PositionOfNumber(const duckdb::Expression& reference) {
  return reference.Cast<duckdb::BoundColumnRefExpression>().binding.column_index;
}

using DelimValues = std::function<PlanCutter::Operator(const duckdb::LogicalDelimGet&)>;

// Puts `values` in the place of what reads the values of a DELIM join's other side. A join of this
// kind further down has its own in its right side; its left side may have ours.
void ReplaceDelimScans(PlanCutter::Operator& op, const DelimValues& values) {
  if (op->type == LogicalOperatorType::LOGICAL_DELIM_GET) {
    op = values(op->Cast<duckdb::LogicalDelimGet>());
  } else if (op->type == LogicalOperatorType::LOGICAL_DELIM_JOIN) {
    bool is_flipped = op->Cast<duckdb::LogicalComparisonJoin>().delim_flipped;
    ReplaceDelimScans(op->children[is_flipped ? 1 : 0], values);
  } else {
    for (auto& child : op->children) ReplaceDelimScans(child, values);
  }
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
  bool can_hash = !equalities.left.empty() && (type != JoinType::MARK || AreNullsEqual(*slot));
  bool is_large = right.is_spread() && !IsSmall(*slot->children[1]);
  if (IsKeyInRows(*slot) && right.is_spread() && (is_large || !left.is_spread())) {
    return JoinMarkByHash(slot, left, right);
  }
  if (!can_hash) {
    if (auto side = SideToSend(*slot, left, right)) {
      return JoinAndFindUnmatched(slot, *side, *side == 0 ? left : right,
                                  *side == 0 ? right : left);
    }
  }
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

// Where a join without an equality keeps the rows of a side that is better sent to all tasks than
// the other one, returns that side.
std::optional<size_t> PlanCutter::SideToSend(duckdb::LogicalOperator& op, const Distribution& left,
                                             const Distribution& right) {
  auto is_less = [&](size_t side) {
    const Distribution& other = side == 0 ? right : left;
    if (!other.is_spread()) return false;
    if (!(side == 0 ? left : right).is_spread()) return true;
    return IsSmall(*op.children[side]) && !IsSmall(*op.children[1 - side]);
  };
  switch (TypeOf(op)) {
    case JoinType::LEFT:
    case JoinType::SEMI:
    case JoinType::ANTI:
      return is_less(0) ? std::optional<size_t>(0) : std::nullopt;
    case JoinType::RIGHT:
      return is_less(1) ? std::optional<size_t>(1) : std::nullopt;
    case JoinType::OUTER:
      // What is left of it in a task would be a LEFT join by DuckDB's IEJoin, which dies of a part
      // with a row where it expected many.
      if (NumRanges(op) > 1) return std::nullopt;
      if (!left.is_spread() || !right.is_spread()) return left.is_spread() ? 1 : 0;
      return EstimateBytes(*op.children[0]) < EstimateBytes(*op.children[1]) ? 0 : 1;
    default:
      return std::nullopt;
  }
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

// Of the rows on the right that match, only the nearest counts: each task needs all of them. Rows
// on the left find theirs by themselves. DuckDB never ends where all on the right are kept and
// there is none on the left, as in a task it may be.
Distribution PlanCutter::DistributeAsofJoin(Operator& slot) {
  Distribution left = Distribute(slot->children[0]);
  Distribution right = Distribute(slot->children[1]);
  if (!left.is_spread() && !right.is_spread()) return Distribution::Single();
  JoinType type = TypeOf(*slot);
  bool keeps_right = type == JoinType::RIGHT || type == JoinType::OUTER;
  bool can_send = left.is_spread() && !keeps_right;
  if (can_send && (!right.is_spread() || IsSmall(*slot->children[1]))) {
    return BroadcastSide(slot, 1, right, left);
  }
  if (HasManyKeys(EqualitiesOf(*slot)) && !keeps_right) return JoinByHash(slot, left, right);
  if (left.is_spread()) Exchange(slot->children[0], left, ExchangeKind::kGather);
  if (right.is_spread()) Exchange(slot->children[1], right, ExchangeKind::kGather);
  NoteGathered(*slot, keeps_right ? "ASOF JOIN that keeps all rows on the right"
                                  : "ASOF JOIN without an equality");
  return Distribution::Single();
}

// A join whose right side reads the distinct values of some columns of its left side:
//
//     DELIM JOIN                      COMPARISON JOIN
//     ├── L                    →      ├── scan of fragment L
//     └── … DELIM GET …               └── … DISTINCT columns of another scan of fragment L …
//
// Where DuckDB numbers the rows of L, since some of those columns are lists, they are distinct.
Distribution PlanCutter::DistributeDelimJoin(Operator& slot) {
  auto& join = slot->Cast<duckdb::LogicalComparisonJoin>();
  const size_t side = join.delim_flipped ? 1 : 0;
  const duckdb::LogicalOperator* numbering = NumberingWindow(join);
  if (numbering) numberings_.insert(numbering);
  Distribution where = Distribute(slot->children[side]);
  Exchange(slot->children[side], where, ExchangeKind::kForward);
  std::optional<idx_t> number;
  if (numbering) number = PositionOfNumber(*join.duplicate_eliminated_columns[0]);
  auto& scan = number ? MakeNumbersUnique(slot->children[side], *number)
                      : slot->children[side]->Cast<duckdb::LogicalGet>();
  auto rows_again = [&](idx_t table_index) {
    if (!number) return ScanAgain(scan, table_index);
    return WithUniqueNumbers(ScanAgain(scan, binder_.GenerateTableIndex()), *number, table_index);
  };
  auto values = [&](const duckdb::LogicalDelimGet& get) -> Operator {
    auto again_index = binder_.GenerateTableIndex();
    auto columns = CopiesOver(again_index, join.duplicate_eliminated_columns);
    auto rows = rows_again(again_index);
    if (number) return Project(get.table_index, std::move(rows), std::move(columns));
    auto distinct = NewAggregate(binder_, std::move(columns), {});
    distinct->group_index = get.table_index;
    distinct->children.push_back(std::move(rows));
    distinct->ResolveOperatorTypes();
    return distinct;
  };
  ReplaceDelimScans(slot->children[1 - side], values);
  join.duplicate_eliminated_columns.clear();
  join.delim_flipped = false;
  slot->type = LogicalOperatorType::LOGICAL_COMPARISON_JOIN;
  return DistributeJoin(slot);
}

}  // namespace smallpond
