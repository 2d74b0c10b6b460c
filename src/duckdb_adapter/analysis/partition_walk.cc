#include "duckdb_adapter/analysis/partition_walk.h"

#include "duckdb_adapter/analysis/nondeterministic_part.h"

namespace smallpond {
namespace {

using duckdb::ColumnBinding;
using duckdb::Expression;
using duckdb::JoinType;
using duckdb::LogicalOperatorType;
using Kind = PartitionState::Kind;
using Expressions = duckdb::vector<duckdb::unique_ptr<Expression>>;

// Returns the column that `expression` is, or null. Casts between integers keep the value, and so
// the partition; TRY_CAST makes one NULL of many values.
const ColumnBinding* ColumnOf(const Expression& expression) {
  const Expression* inner = &expression;
  while (inner->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CAST &&
         inner->return_type.IsIntegral()) {
    const auto& cast = inner->Cast<duckdb::BoundCastExpression>();
    if (cast.try_cast) return nullptr;
    inner = cast.child.get();
    if (!inner->return_type.IsIntegral()) return nullptr;
  }
  if (inner->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) return nullptr;
  return &inner->Cast<duckdb::BoundColumnRefExpression>().binding;
}

// Whether every key is one of the expressions: rows that agree in the expressions then share a
// partition.
bool Covers(const Expressions& expressions, const PartitionState& state) {
  if (state.keys.empty()) return false;
  for (const auto& key : state.keys) {
    bool found = false;
    for (const auto& expression : expressions) {
      const ColumnBinding* column = ColumnOf(*expression);
      found = found || (column && key.Has(*column));
    }
    if (!found) return false;
  }
  return true;
}

// Follows the keys to an operator's output, whose column i holds expressions[i].
PartitionState MapKeys(PartitionState state, const Expressions& expressions,
                       duckdb::idx_t table_index) {
  for (auto& key : state.keys) {
    PartitionState::Key mapped;
    for (duckdb::idx_t i = 0; i < expressions.size(); ++i) {
      const ColumnBinding* column = ColumnOf(*expressions[i]);
      if (column && key.Has(*column)) mapped.bindings.emplace_back(table_index, i);
    }
    key = std::move(mapped);
    if (key.bindings.empty()) {  // The column is gone, so that nothing can be told by it any more.
      state.keys.clear();
      state.layout.clear();
      break;
    }
  }
  return state;
}

// Follows the keys by position, from one list of columns to another of the same length.
PartitionState MapKeys(PartitionState state, const duckdb::vector<ColumnBinding>& from,
                       duckdb::idx_t table_index) {
  for (auto& key : state.keys) {
    PartitionState::Key mapped;
    for (duckdb::idx_t i = 0; i < from.size(); ++i) {
      if (key.Has(from[i])) mapped.bindings.emplace_back(table_index, i);
    }
    key = std::move(mapped);
    if (key.bindings.empty()) {
      state.keys.clear();
      state.layout.clear();
      break;
    }
  }
  return state;
}

std::string ListNames(const Expressions& expressions) {
  std::string names;
  for (const auto& expression : expressions)
    names += (names.empty() ? "" : ", ") + expression->GetName();
  return names;
}

JoinType TypeOfJoin(const duckdb::LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_DEPENDENT_JOIN:
      return static_cast<const duckdb::LogicalJoin&>(op).join_type;
    default:
      return JoinType::INNER;  // cross product
  }
}

// A lateral join numbers the rows on its left to find them again. The numbers differ when a
// partition is numbered by itself, but they only have to differ from each other.
duckdb::LogicalOperator& WithoutRowNumber(duckdb::LogicalOperator& left) {
  bool is_numbered = left.type == LogicalOperatorType::LOGICAL_WINDOW &&
                     left.expressions.size() == 1 && left.expressions[0]->alias == "delim_index";
  return is_numbered ? *left.children[0] : left;
}

// EXISTS without an outer column counts the rows of a LIMIT 1. Which row it is doesn't matter.
bool CountsRowsOfLimit(const duckdb::LogicalAggregate& aggregate) {
  if (aggregate.children[0]->type != LogicalOperatorType::LOGICAL_LIMIT ||
      !aggregate.groups.empty() || aggregate.expressions.size() != 1) {
    return false;
  }
  const Expression& expression = *aggregate.expressions[0];
  return expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_AGGREGATE &&
         expression.Cast<duckdb::BoundAggregateExpression>().function.name == "count_star";
}

// Whether the join's conditions make every key of the one side equal to the same key of the other.
bool JoinsOnKeys(const duckdb::LogicalOperator& op, const PartitionState& left,
                 const PartitionState& right) {
  if (op.type != LogicalOperatorType::LOGICAL_COMPARISON_JOIN || left.layout.empty() ||
      left.layout != right.layout || left.keys.size() != right.keys.size()) {
    return false;
  }
  const auto& conditions = static_cast<const duckdb::LogicalComparisonJoin&>(op).conditions;
  for (size_t i = 0; i < left.keys.size(); ++i) {
    bool found = false;
    for (const auto& condition : conditions) {
      if (condition.comparison != duckdb::ExpressionType::COMPARE_EQUAL &&
          condition.comparison != duckdb::ExpressionType::COMPARE_NOT_DISTINCT_FROM) {
        continue;
      }
      const ColumnBinding* l = ColumnOf(*condition.left);
      const ColumnBinding* r = ColumnOf(*condition.right);
      found = found || (l && r && left.keys[i].Has(*l) && right.keys[i].Has(*r));
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace

PartitionState PartitionWalk::Visit(Operator& op) {
  PartitionState state = VisitByType(op);
  if (state.kind != Kind::kWhole) return state;
  // Each partition computes a whole input anew, and has to meet the same rows.
  std::string part = NondeterministicPart(op);
  return part.empty() ? state : PartitionState::Differs(part + " in a whole input");
}

PartitionState PartitionWalk::VisitByType(Operator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_CHUNK_GET:
      return VisitInput(op);
    case LogicalOperatorType::LOGICAL_PROJECTION:
      return VisitProjection(op);
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_UNNEST:
    case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
      return Visit(*op.children[0]);
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
      return VisitAggregate(op);
    case LogicalOperatorType::LOGICAL_WINDOW:
      return VisitWindow(op);
    case LogicalOperatorType::LOGICAL_DISTINCT:
      return VisitDistinct(op);
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
      return VisitJoin(op);
    case LogicalOperatorType::LOGICAL_UNION:
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT:
      return VisitSetOperation(op);
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
    case LogicalOperatorType::LOGICAL_CTE_REF:
      return VisitCommonTable(op);
    default:
      return VisitOther(op);
  }
}

PartitionState PartitionWalk::VisitInput(Operator& op) {
  auto& get = op.Cast<duckdb::LogicalColumnDataGet>();
  auto found = marks_.find(get.collection.get());
  if (found == marks_.end() || found->second->partitioning.num_partitions == 1)
    return PartitionState::Whole();
  const Partitioning& partitioning = found->second->partitioning;
  PartitionState state{Kind::kPartitioned, partitioning.layout, {}, ""};
  for (int column : partitioning.key_columns) {
    state.keys.push_back({{ColumnBinding(get.table_index, static_cast<duckdb::idx_t>(column))}});
  }
  return state;
}

PartitionState PartitionWalk::VisitProjection(Operator& op) {
  return MapKeys(Visit(*op.children[0]), op.expressions,
                 op.Cast<duckdb::LogicalProjection>().table_index);
}

PartitionState PartitionWalk::VisitAggregate(Operator& op) {
  auto& aggregate = op.Cast<duckdb::LogicalAggregate>();
  Operator& below = *op.children[0];
  if (CountsRowsOfLimit(aggregate) && Visit(*below.children[0]).kind == Kind::kWhole) {
    return PartitionState::Whole();
  }
  PartitionState child = Visit(below);
  if (child.kind != Kind::kPartitioned) return child;
  if (aggregate.groups.empty()) return PartitionState::Differs("an aggregate without GROUP BY");
  bool covered = Covers(aggregate.groups, child);
  if (aggregate.grouping_sets.size() > 1) covered = false;  // A set may leave a key out.
  if (!covered) return PartitionState::Differs("GROUP BY " + ListNames(aggregate.groups));
  return MapKeys(std::move(child), aggregate.groups, aggregate.group_index);
}

PartitionState PartitionWalk::VisitWindow(Operator& op) {
  PartitionState child = Visit(*op.children[0]);
  if (child.kind != Kind::kPartitioned) return child;
  for (const auto& expression : op.expressions) {
    auto& window = expression->Cast<duckdb::BoundWindowExpression>();
    if (!Covers(window.partitions, child))
      return PartitionState::Differs("the window function " + window.GetName());
  }
  return child;
}

PartitionState PartitionWalk::VisitDistinct(Operator& op) {
  PartitionState child = Visit(*op.children[0]);
  if (child.kind != Kind::kPartitioned) return child;
  if (!Covers(op.Cast<duckdb::LogicalDistinct>().distinct_targets, child))
    return PartitionState::Differs("DISTINCT");
  return child;
}

PartitionState PartitionWalk::VisitJoin(Operator& op) {
  JoinType type = TypeOfJoin(op);
  bool is_correlated = op.type == LogicalOperatorType::LOGICAL_DELIM_JOIN;
  PartitionState left = Visit(is_correlated ? WithoutRowNumber(*op.children[0]) : *op.children[0]);
  PartitionState right = Visit(*op.children[1]);
  if (left.kind == Kind::kDiffers) return left;
  if (right.kind == Kind::kDiffers && is_correlated) {
    // The reason would name an operator of DuckDB's rewriting, which the caller did not write.
    return PartitionState::Differs("a correlated subquery over a partitioned input");
  }
  if (right.kind == Kind::kDiffers) return right;
  if (left.kind == Kind::kWhole && right.kind == Kind::kWhole) return PartitionState::Whole();
  if (left.kind == Kind::kPartitioned && right.kind == Kind::kPartitioned) {
    return JoinPartitioned(op, type, std::move(left), std::move(right));
  }
  if (left.kind == Kind::kPartitioned) {
    // Each row on the left meets the whole right side. RIGHT and FULL also ask which rows on the
    // right met none.
    bool preserves_right = type == JoinType::RIGHT || type == JoinType::OUTER;
    if (preserves_right)
      return PartitionState::Differs(duckdb::JoinTypeToString(type) +
                                     " JOIN that keeps a whole input");
    return left;
  }
  if (is_correlated) {
    return PartitionState::Differs("a correlated subquery over a partitioned input");
  }
  if (op.type == LogicalOperatorType::LOGICAL_ASOF_JOIN) {  // Asks for the nearest row of all.
    return PartitionState::Differs("ASOF JOIN from a whole input");
  }
  if (type == JoinType::INNER || type == JoinType::RIGHT) return right;
  switch (type) {
    case JoinType::LEFT:  // DuckDB turns a RIGHT JOIN around.
      return PartitionState::Differs("LEFT JOIN or RIGHT JOIN that keeps a whole input");
    case JoinType::MARK:
      return PartitionState::Differs("IN or EXISTS over a partitioned input");
    default:
      return PartitionState::Differs(duckdb::JoinTypeToString(type) + " JOIN from a whole input");
  }
}

PartitionState PartitionWalk::JoinPartitioned(Operator& op, JoinType type, PartitionState left,
                                              PartitionState right) {
  if (!JoinsOnKeys(op, left, right))
    return PartitionState::Differs("a join of partitioned inputs on other columns");
  switch (type) {
    case JoinType::INNER:
      for (size_t i = 0; i < left.keys.size(); ++i) {
        auto& bindings = left.keys[i].bindings;
        bindings.insert(bindings.end(), right.keys[i].bindings.begin(),
                        right.keys[i].bindings.end());
      }
      return left;
    case JoinType::LEFT:
    case JoinType::SEMI:
    case JoinType::ANTI:
      return left;
    case JoinType::RIGHT:
      return right;
    case JoinType::OUTER:  // A key column may be NULL on either side of a row.
      return {Kind::kPartitioned, "", {}, ""};
    default:  // MARK: whether a NULL stands in another partition decides between false and NULL.
      return PartitionState::Differs("IN or NOT IN over a partitioned input");
  }
}

PartitionState PartitionWalk::VisitSetOperation(Operator& op) {
  auto& operation = op.Cast<duckdb::LogicalSetOperation>();
  std::vector<PartitionState> children;
  size_t whole = 0;
  for (auto& child : op.children) {
    PartitionState state = Visit(*child);
    if (state.kind == Kind::kDiffers) return state;
    whole += state.kind == Kind::kWhole;
    children.push_back(
        MapKeys(std::move(state), child->GetColumnBindings(), operation.table_index));
  }
  if (whole == children.size()) return PartitionState::Whole();
  bool is_union_all =
      op.type == LogicalOperatorType::LOGICAL_UNION;  // Plain UNION has a DISTINCT above.
  if (whole > 0 && is_union_all) return PartitionState::Differs("UNION with a whole input");
  bool same_keys = whole == 0 && !children[0].layout.empty();
  for (const auto& child : children) {
    same_keys = same_keys && child.layout == children[0].layout &&
                child.keys.size() == children[0].keys.size();
    for (size_t i = 0; same_keys && i < child.keys.size(); ++i) {
      same_keys = child.keys[i].bindings == children[0].keys[i].bindings;
    }
  }
  if (same_keys) return children[0];
  if (is_union_all) return {Kind::kPartitioned, "", {}, ""};
  return PartitionState::Differs(op.type == LogicalOperatorType::LOGICAL_EXCEPT ? "EXCEPT"
                                                                                : "INTERSECT");
}

PartitionState PartitionWalk::VisitCommonTable(Operator& op) {
  if (op.type == LogicalOperatorType::LOGICAL_MATERIALIZED_CTE) {
    auto& cte = op.Cast<duckdb::LogicalMaterializedCTE>();
    common_tables_[cte.table_index] = {Visit(*op.children[0]), op.children[0]->GetColumnBindings()};
    return Visit(*op.children[1]);
  }
  auto& reference = op.Cast<duckdb::LogicalCTERef>();
  auto found = common_tables_.find(reference.cte_index);
  if (found == common_tables_.end()) return PartitionState::Whole();  // Inside a recursive CTE.
  const auto& [state, bindings] = found->second;
  return MapKeys(state, bindings, reference.table_index);
}

PartitionState PartitionWalk::VisitOther(Operator& op) {
  for (auto& child : op.children) {
    PartitionState state = Visit(*child);
    if (state.kind == Kind::kDiffers) return state;
    if (state.kind == Kind::kWhole) continue;
    switch (op.type) {
      case LogicalOperatorType::LOGICAL_ORDER_BY:
        return PartitionState::Differs("ORDER BY");
      case LogicalOperatorType::LOGICAL_LIMIT:
      case LogicalOperatorType::LOGICAL_TOP_N:
        return PartitionState::Differs("LIMIT");
      case LogicalOperatorType::LOGICAL_SAMPLE:
        return PartitionState::Differs("SAMPLE");
      case LogicalOperatorType::LOGICAL_RECURSIVE_CTE:
        return PartitionState::Differs("a recursive CTE");
      case LogicalOperatorType::LOGICAL_POSITIONAL_JOIN:
        return PartitionState::Differs("POSITIONAL JOIN");
      case LogicalOperatorType::LOGICAL_PIVOT:
        return PartitionState::Differs("PIVOT");
      default:
        return PartitionState::Differs(duckdb::LogicalOperatorToString(op.type));
    }
  }
  return PartitionState::Whole();
}

}  // namespace smallpond
