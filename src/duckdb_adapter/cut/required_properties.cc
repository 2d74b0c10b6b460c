#include "duckdb_adapter/cut/required_properties.h"

namespace smallpond {
namespace {

using duckdb::JoinType;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

bool KeepsLeftRows(JoinType type) {
  return type == JoinType::LEFT || type == JoinType::SEMI || type == JoinType::ANTI ||
         type == JoinType::MARK || type == JoinType::SINGLE;
}

bool KeepsRightRows(JoinType type) {
  return type == JoinType::RIGHT || type == JoinType::RIGHT_SEMI || type == JoinType::RIGHT_ANTI;
}

// Requires it of the scans below `op` where `exclusive`, and of those that `op` itself needs so.
void Require(const LogicalOperator& op, bool exclusive,
             const std::set<const LogicalOperator*>& partial, std::set<duckdb::idx_t>& found) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_GET:
      if (exclusive) found.insert(op.Cast<duckdb::LogicalGet>().table_index);
      break;
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_UNNEST:
    case LogicalOperatorType::LOGICAL_UNION:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
      break;
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN: {
      JoinType type = op.Cast<duckdb::LogicalJoin>().join_type;
      Require(*op.children[0], exclusive || !MayHaveAllOf(type, 1), partial, found);
      Require(*op.children[1], exclusive || !MayHaveAllOf(type, 0), partial, found);
      return;
    }
    case LogicalOperatorType::LOGICAL_ASOF_JOIN: {  // The nearest is one of all rows on the right.
      JoinType type = op.Cast<duckdb::LogicalJoin>().join_type;
      Require(*op.children[0], exclusive || !MayHaveAllOf(type, 1), partial, found);
      Require(*op.children[1], true, partial, found);
      return;
    }
    default:
      exclusive = exclusive || !partial.contains(&op);
  }
  for (const auto& child : op.children) Require(*child, exclusive, partial, found);
}

}  // namespace

bool MayHaveAllOf(JoinType type, int side) {
  if (type == JoinType::INNER) return true;
  return side == 1 ? KeepsLeftRows(type) : KeepsRightRows(type);
}

std::set<duckdb::idx_t> FindExclusiveScans(const LogicalOperator& plan,
                                           const std::set<const LogicalOperator*>& partial) {
  std::set<duckdb::idx_t> found;
  Require(plan, false, partial, found);
  return found;
}

}  // namespace smallpond
