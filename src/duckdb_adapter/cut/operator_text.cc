#include "duckdb_adapter/cut/operator_text.h"

#include <functional>

#include "base/text.h"
#include "duckdb_adapter/fragment/aggregate_states.h"

namespace smallpond {
namespace {

using duckdb::ColumnBinding;
using duckdb::Expression;
using duckdb::idx_t;
using duckdb::LogicalGet;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

// What is shown of one operator and of one name in it: a line that fits a terminal.
constexpr size_t kMaxText = 92;
constexpr size_t kMaxName = 40;

// The text up to about `length` characters.
std::string Shorten(const std::string& text, size_t length) {
  if (text.size() <= length) return text;
  size_t end = length;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // UTF-8
  return text.substr(0, end) + "…";
}

std::string LimitText(const duckdb::BoundLimitNode& node) {
  return node.Type() == duckdb::LimitNodeType::CONSTANT_VALUE
             ? std::to_string(node.GetConstantValue())
             : "by an expression";
}

std::string LimitText(const duckdb::LogicalLimit& limit) {
  bool has_offset = limit.offset_val.Type() != duckdb::LimitNodeType::UNSET;
  bool has_limit = limit.limit_val.Type() != duckdb::LimitNodeType::UNSET;
  return (has_limit ? "limit " + LimitText(limit.limit_val) : std::string("all")) +
         (has_offset ? " after " + LimitText(limit.offset_val) : "");
}

}  // namespace

void OperatorText::Append(LogicalOperator& plan, const DescribeScan& describe_scan,
                          std::vector<FragmentOperator>& out) {
  std::function<void(LogicalOperator&)> learn = [&](LogicalOperator& op) {
    for (auto& child : op.children) learn(*child);
    Learn(op);
  };
  learn(plan);
  std::function<void(LogicalOperator&, int)> append = [&](LogicalOperator& op, int depth) {
    if (op.type != LogicalOperatorType::LOGICAL_PROJECTION) {
      double rows =
          op.has_estimated_cardinality ? static_cast<double>(op.estimated_cardinality) : -1;
      out.push_back({depth++, Shorten(Text(op, describe_scan), kMaxText), rows});
    }
    for (auto& child : op.children) append(*child, depth);
  };
  append(plan, 0);
}

void OperatorText::Rename(const std::vector<ColumnBinding>& columns, idx_t table_index) {
  for (idx_t i = 0; i < columns.size(); ++i) {
    auto found = names_.find({columns[i].table_index, columns[i].column_index});
    if (found != names_.end()) names_[{table_index, i}] = found->second;
  }
}

void OperatorText::Set(idx_t table_index, idx_t column, const std::string& name) {
  names_.try_emplace({table_index, column}, Shorten(name, kMaxName));
}

// Notes what the columns that an operator makes are called.
void OperatorText::Learn(LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_GET: {
      auto& get = op.Cast<LogicalGet>();
      auto& ids = get.GetColumnIds();
      for (idx_t i = 0; i < ids.size(); ++i) {
        if (ids[i].GetPrimaryIndex() < get.names.size()) {
          Set(get.table_index, i, get.names[ids[i].GetPrimaryIndex()]);
        }
      }
      break;
    }
    case LogicalOperatorType::LOGICAL_CHUNK_GET: {
      auto& values = op.Cast<duckdb::LogicalColumnDataGet>();
      for (idx_t i = 0; i < values.chunk_types.size(); ++i) Set(values.table_index, i, "value");
      break;
    }
    case LogicalOperatorType::LOGICAL_PROJECTION: {
      auto& projection = op.Cast<duckdb::LogicalProjection>();
      for (idx_t i = 0; i < projection.expressions.size(); ++i) {
        Set(projection.table_index, i, ExpressionText(*projection.expressions[i]));
      }
      break;
    }
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY: {
      auto& aggregate = op.Cast<duckdb::LogicalAggregate>();
      for (idx_t i = 0; i < aggregate.groups.size(); ++i) {
        Set(aggregate.group_index, i, ExpressionText(*aggregate.groups[i]));
      }
      for (idx_t i = 0; i < aggregate.expressions.size(); ++i) {
        Set(aggregate.aggregate_index, i, ExpressionText(*aggregate.expressions[i]));
      }
      for (idx_t i = 0; i < aggregate.grouping_functions.size(); ++i) {
        std::vector<std::string> groups;
        for (idx_t group : aggregate.grouping_functions[i]) {
          groups.push_back(ExpressionText(*aggregate.groups[group]));
        }
        Set(aggregate.groupings_index, i, "grouping(" + Join(groups, ", ") + ")");
      }
      break;
    }
    case LogicalOperatorType::LOGICAL_WINDOW: {
      auto window_index = op.Cast<duckdb::LogicalWindow>().window_index;
      for (idx_t i = 0; i < op.expressions.size(); ++i) {
        Set(window_index, i, ExpressionText(*op.expressions[i]));
      }
      break;
    }
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN: {
      auto& join = op.Cast<duckdb::LogicalComparisonJoin>();
      if (join.join_type == duckdb::JoinType::MARK) Set(join.mark_index, 0, "is_match");
      break;
    }
    default:
      break;
  }
}

std::string OperatorText::Text(LogicalOperator& op, const DescribeScan& describe_scan) const {
  std::vector<std::string> parts;
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_GET: {
      auto& get = op.Cast<LogicalGet>();
      std::string text = describe_scan(get);
      for (const auto& [column, filter] : get.table_filters.filters) {
        bool is_optional = filter->filter_type == duckdb::TableFilterType::OPTIONAL_FILTER;
        if (!is_optional && column < get.names.size()) {
          parts.push_back(filter->ToString(get.names[column]));
        }
      }
      return text + (parts.empty() ? "" : " where " + Join(parts, " and "));
    }
    case LogicalOperatorType::LOGICAL_FILTER:
      for (auto& expression : op.expressions) parts.push_back(ExpressionText(*expression));
      return "filter " + Join(parts, " and ");
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
      return AggregateText(op);
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
      return JoinText(op);
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
      return "asof " + JoinText(op);
    case LogicalOperatorType::LOGICAL_DISTINCT:
      for (auto& target : op.Cast<duckdb::LogicalDistinct>().distinct_targets) {
        parts.push_back(ExpressionText(*target));
      }
      return "distinct " + Join(parts, ", ");
    case LogicalOperatorType::LOGICAL_WINDOW:
      for (auto& window : op.expressions) parts.push_back(ExpressionText(*window));
      return "window " + Join(parts, ", ");
    case LogicalOperatorType::LOGICAL_TOP_N: {
      auto& top = op.Cast<duckdb::LogicalTopN>();
      std::string offset = top.offset > 0 ? " after " + std::to_string(top.offset) : "";
      return "top " + std::to_string(top.limit) + offset + " by " + OrderText(top.orders);
    }
    case LogicalOperatorType::LOGICAL_ORDER_BY:
      return "order by " + OrderText(op.Cast<duckdb::LogicalOrder>().orders);
    case LogicalOperatorType::LOGICAL_LIMIT:
      return LimitText(op.Cast<duckdb::LogicalLimit>());
    case LogicalOperatorType::LOGICAL_UNION:
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT:
      return duckdb::StringUtil::Lower(op.GetName()) +
             (op.Cast<duckdb::LogicalSetOperation>().setop_all ? " all" : "");
    case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
      return "one row";
    case LogicalOperatorType::LOGICAL_CHUNK_GET:
      return "values";
    default: {
      std::string name = duckdb::StringUtil::Lower(op.GetName());
      return duckdb::StringUtil::Replace(name, "_", " ");
    }
  }
}

std::string OperatorText::AggregateText(LogicalOperator& op) const {
  auto& aggregate = op.Cast<duckdb::LogicalAggregate>();
  std::vector<std::string> groups;
  std::vector<std::string> results;
  for (auto& group : aggregate.groups) groups.push_back(ExpressionText(*group));
  for (auto& result : aggregate.expressions) results.push_back(ExpressionText(*result));
  if (results.empty()) return "distinct " + Join(groups, ", ");
  std::string by = aggregate.grouping_sets.size() > 1 ? " by sets of " : " by ";
  return "aggregate " + Join(results, ", ") + (groups.empty() ? "" : by + Join(groups, ", "));
}

std::string OperatorText::JoinText(LogicalOperator& op) const {
  std::string type = duckdb::StringUtil::Lower(
      duckdb::EnumUtil::ToString(op.Cast<duckdb::LogicalJoin>().join_type));
  std::string text = duckdb::StringUtil::Replace(type, "_", " ") + " join on ";
  if (op.type == LogicalOperatorType::LOGICAL_ANY_JOIN) {
    return text + ExpressionText(*op.Cast<duckdb::LogicalAnyJoin>().condition);
  }
  std::vector<std::string> conditions;
  for (auto& condition : op.Cast<duckdb::LogicalComparisonJoin>().conditions) {
    conditions.push_back(ExpressionText(*condition.left) + " " +
                         duckdb::ExpressionTypeToOperator(condition.comparison) + " " +
                         ExpressionText(*condition.right));
  }
  return text + Join(conditions, " and ");
}

std::string OperatorText::SortText(const std::string& words,
                                   const duckdb::vector<duckdb::BoundOrderByNode>& orders) const {
  return Shorten(words + " " + OrderText(orders), kMaxText);
}

std::string OperatorText::ListText(
    const std::string& words,
    const duckdb::vector<duckdb::unique_ptr<Expression>>& expressions) const {
  std::vector<std::string> parts;
  for (const auto& expression : expressions) parts.push_back(ExpressionText(*expression));
  return Shorten(words + " " + Join(parts, ", "), kMaxText);
}

std::string OperatorText::OrderText(const duckdb::vector<duckdb::BoundOrderByNode>& orders) const {
  std::vector<std::string> parts;
  for (const auto& order : orders) {
    bool is_descending = order.type == duckdb::OrderType::DESCENDING;
    parts.push_back(ExpressionText(*order.expression) + (is_descending ? " desc" : ""));
  }
  return Join(parts, ", ");
}

std::string OperatorText::ExpressionText(const Expression& expression) const {
  using duckdb::BoundColumnRefExpression;
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_AGGREGATE) {
    const auto& aggregate = expression.Cast<duckdb::BoundAggregateExpression>();
    std::vector<std::string> arguments;
    for (const auto& child : aggregate.children) arguments.push_back(ExpressionText(*child));
    std::string list = Join(arguments, ", ");
    if (auto wrapped = DescribeState(aggregate, list)) return *wrapped;
    if (aggregate.function.name == "count_star") return "count(*)";
    return aggregate.function.name + "(" + (aggregate.IsDistinct() ? "distinct " : "") + list + ")";
  }
  bool is_sort_key =
      expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION &&
      expression.Cast<duckdb::BoundFunctionExpression>().function.name == "create_sort_key";
  if (is_sort_key) return "sort key";  // Of what, is told where rows are sorted.
  auto named = expression.Copy();
  duckdb::ExpressionIterator::VisitExpressionMutable<BoundColumnRefExpression>(
      named, [&](BoundColumnRefExpression& column, duckdb::unique_ptr<Expression>&) {
        if (!column.alias.empty()) return;
        auto found = names_.find({column.binding.table_index, column.binding.column_index});
        if (found != names_.end()) column.alias = found->second;
      });
  return named->ToString();
}

}  // namespace smallpond
