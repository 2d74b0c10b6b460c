#include "duckdb_adapter/sql/tree_visitor.h"

#include <string>
#include <utility>
#include <vector>

#include "duckdb/parser/expression/cast_expression.hpp"
#include "smallpond/error.h"

namespace smallpond {

using duckdb::QueryNodeType;
using duckdb::StatementType;
using duckdb::TableReferenceType;

namespace {

bool HoldsStar(const duckdb::ParsedExpression& expression) {
  bool holds = expression.GetExpressionClass() == duckdb::ExpressionClass::STAR;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression,
      [&](const duckdb::ParsedExpression& child) { holds = holds || HoldsStar(child); });
  return holds;
}

// The value of a constant, of true and false, which are parsed as casts of one, and of a list of
// constants; NULL for all else.
duckdb::Value ConstantOf(const duckdb::ParsedExpression& expression) {
  switch (expression.GetExpressionClass()) {
    case duckdb::ExpressionClass::CONSTANT:
      return expression.Cast<duckdb::ConstantExpression>().value;
    case duckdb::ExpressionClass::CAST: {
      const auto& cast = expression.Cast<duckdb::CastExpression>();
      const std::string type = cast.cast_type.ToString();  // It is a name until it is bound.
      bool is_boolean = duckdb::StringUtil::CIEquals(type, "bool") ||
                        duckdb::StringUtil::CIEquals(type, "boolean");
      if (!is_boolean) return duckdb::Value();
      return ConstantOf(*cast.child).DefaultCastAs(duckdb::LogicalType::BOOLEAN);
    }
    case duckdb::ExpressionClass::FUNCTION: {
      const auto& made = expression.Cast<duckdb::FunctionExpression>();
      duckdb::vector<duckdb::Value> elements;
      for (const auto& element : made.children) elements.push_back(ConstantOf(*element));
      bool is_list = made.function_name == "list_value" && !elements.empty();
      return is_list ? duckdb::Value::LIST(std::move(elements)) : duckdb::Value();
    }
    default:
      return duckdb::Value();
  }
}

// The text of the query that query('…') and query_table('t') or (['t', 'u'], by_name) mean. Empty
// for other functions, and where the arguments are no constants of the right types.
std::string TextOfQuery(const duckdb::FunctionExpression& function) {
  if (function.function_name != "query" && function.function_name != "query_table") return "";
  std::vector<duckdb::Value> arguments;
  for (const auto& child : function.children) {
    arguments.push_back(ConstantOf(*child));
    if (arguments.back().IsNull()) return "";
  }
  auto is = [&](size_t i, const duckdb::LogicalType& type) {
    return i < arguments.size() && arguments[i].type() == type;
  };
  bool has_text = is(0, duckdb::LogicalType::VARCHAR);
  if (function.function_name == "query") {
    return arguments.size() == 1 && has_text ? duckdb::StringValue::Get(arguments[0]) : "";
  }
  if (arguments.size() > 2) return "";
  if (!has_text && !is(0, duckdb::LogicalType::LIST(duckdb::LogicalType::VARCHAR))) return "";
  if (arguments.size() == 2 && !is(1, duckdb::LogicalType::BOOLEAN)) return "";
  bool by_name = arguments.size() == 2 && duckdb::BooleanValue::Get(arguments[1]);
  auto names = has_text ? duckdb::vector<duckdb::Value>{arguments[0]}
                        : duckdb::ListValue::GetChildren(arguments[0]);
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += by_name ? " UNION ALL BY NAME " : " UNION ALL ";
    text += "FROM " + duckdb::QualifiedName::Parse(name.ToString()).ToString();
  }
  return text;
}

// The subquery that stands in the text of such a function, whose tables may be inputs. Null for
// others; where there is a mistake in it DuckDB tells it later.
duckdb::unique_ptr<duckdb::TableRef> WrittenQuery(const duckdb::TableFunctionRef& table) {
  if (table.function->GetExpressionClass() != duckdb::ExpressionClass::FUNCTION) return nullptr;
  try {
    std::string text = TextOfQuery(table.function->Cast<duckdb::FunctionExpression>());
    duckdb::Parser parser;
    if (!text.empty()) parser.ParseQuery(text);
    bool is_query = parser.statements.size() == 1 &&
                    parser.statements[0]->type == StatementType::SELECT_STATEMENT;
    if (!is_query) return nullptr;
    auto subquery = duckdb::make_uniq<duckdb::SubqueryRef>(
        duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(
            std::move(parser.statements[0])),
        table.alias);
    subquery->column_name_alias = table.column_name_alias;
    subquery->sample = table.sample ? table.sample->Copy() : nullptr;
    return subquery;
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace

void TreeVisitor::VisitStatement(duckdb::SQLStatement& statement) {
  switch (statement.type) {
    case StatementType::SELECT_STATEMENT:
      return VisitNode(*statement.Cast<duckdb::SelectStatement>().node);
    case StatementType::SET_STATEMENT: {
      auto& set = statement.Cast<duckdb::SetStatement>();
      if (set.set_type == duckdb::SetType::SET)
        VisitExpression(set.Cast<duckdb::SetVariableStatement>().value);
      return;
    }
    case StatementType::EXPLAIN_STATEMENT:
      return VisitStatement(*statement.Cast<duckdb::ExplainStatement>().stmt);
    case StatementType::COPY_STATEMENT: {
      auto& info = *statement.Cast<duckdb::CopyStatement>().info;
      if (info.select_statement) VisitNode(*info.select_statement);
      for (auto& [name, option] : info.parsed_options) {
        if (option) VisitExpression(option);
      }
      return;
    }
    case StatementType::INSERT_STATEMENT: {
      auto& insert = statement.Cast<duckdb::InsertStatement>();
      if (insert.select_statement) VisitNode(*insert.select_statement->node);
      return;
    }
    case StatementType::CREATE_STATEMENT: {
      auto& info = *statement.Cast<duckdb::CreateStatement>().info;
      if (info.type == duckdb::CatalogType::TABLE_ENTRY) {
        auto& query = info.Cast<duckdb::CreateTableInfo>().query;
        if (query) VisitNode(*query->node);
      } else if (info.type == duckdb::CatalogType::TYPE_ENTRY) {
        auto& query = info.Cast<duckdb::CreateTypeInfo>().query;
        if (query) VisitStatement(*query);
      }
      return;
    }
    default:
      return;
  }
}

void TreeVisitor::VisitNode(duckdb::QueryNode& node) {
  size_t outer = scope_.size();
  // A CTE sees the ones before it; only a recursive one sees itself.
  for (auto& [name, info] : node.cte_map.map) {
    VisitNode(*info->query->node);
    scope_.push_back(name);
  }
  switch (node.type) {
    case QueryNodeType::SELECT_NODE: {
      auto& select = node.Cast<duckdb::SelectNode>();
      if (select.from_table) VisitTable(select.from_table);
      VisitSelectList(select.select_list);
      if (select.where_clause) VisitExpression(select.where_clause);
      for (auto& group : select.groups.group_expressions) VisitKey(group, "GROUP BY");
      if (select.having) VisitExpression(select.having);
      if (select.qualify) VisitExpression(select.qualify);
      break;
    }
    case QueryNodeType::SET_OPERATION_NODE:
      for (auto& child : node.Cast<duckdb::SetOperationNode>().children) VisitNode(*child);
      break;
    case QueryNodeType::RECURSIVE_CTE_NODE: {
      auto& recursive = node.Cast<duckdb::RecursiveCTENode>();
      VisitNode(*recursive.left);
      scope_.push_back(recursive.ctename);
      VisitNode(*recursive.right);
      break;
    }
    case QueryNodeType::CTE_NODE: {
      auto& cte = node.Cast<duckdb::CTENode>();
      VisitNode(*cte.query);
      scope_.push_back(cte.ctename);
      VisitNode(*cte.child);
      break;
    }
    default:
      throw Error(ErrorKind::kUnsupported,
                  "This query holds a statement that changes data. Query files and frames only.");
  }
  VisitModifiers(node);
  scope_.resize(outer);
}

void TreeVisitor::VisitSelectList(
    duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>>& expressions) {
  for (auto& expression : expressions) {
    std::string text = expression->ToString();
    VisitExpression(expression);
    bool is_named = expression->HasAlias() || HoldsStar(*expression);
    if (!is_named && expression->ToString() != text) expression->SetAlias(text);
  }
}

void TreeVisitor::VisitModifiers(duckdb::QueryNode& node) {
  for (auto& modifier : node.modifiers) {
    switch (modifier->type) {
      case duckdb::ResultModifierType::LIMIT_MODIFIER: {
        auto& limit = modifier->Cast<duckdb::LimitModifier>();
        if (limit.limit) VisitExpression(limit.limit);
        if (limit.offset) VisitExpression(limit.offset);
        break;
      }
      case duckdb::ResultModifierType::LIMIT_PERCENT_MODIFIER: {
        auto& limit = modifier->Cast<duckdb::LimitPercentModifier>();
        if (limit.limit) VisitExpression(limit.limit);
        if (limit.offset) VisitExpression(limit.offset);
        break;
      }
      case duckdb::ResultModifierType::ORDER_MODIFIER:
        for (auto& order : modifier->Cast<duckdb::OrderModifier>().orders)
          VisitKey(order.expression, "ORDER BY");
        break;
      case duckdb::ResultModifierType::DISTINCT_MODIFIER:
        for (auto& target : modifier->Cast<duckdb::DistinctModifier>().distinct_on_targets)
          VisitKey(target, "DISTINCT ON");
        break;
    }
  }
}

void TreeVisitor::VisitTable(duckdb::unique_ptr<duckdb::TableRef>& table) {
  switch (table->type) {
    case TableReferenceType::BASE_TABLE: {
      auto& base = table->Cast<duckdb::BaseTableRef>();
      bool is_bare = base.schema_name.empty() && !InScope(base.table_name);
      bool is_in_main = duckdb::StringUtil::CIEquals(base.schema_name, DEFAULT_SCHEMA);
      bool is_here = base.catalog_name.empty() ||
                     (is_in_main && duckdb::StringUtil::CIEquals(base.catalog_name, kOwnCatalog));
      if (is_here && (is_bare || is_in_main)) {
        VisitFreeTable(table);
      } else if (!base.catalog_name.empty() || !base.schema_name.empty()) {
        VisitQualifiedTable(base);
      }
      return;
    }
    case TableReferenceType::SUBQUERY:
      return VisitNode(*table->Cast<duckdb::SubqueryRef>().subquery->node);
    case TableReferenceType::JOIN: {
      auto& join = table->Cast<duckdb::JoinRef>();
      VisitTable(join.left);
      VisitTable(join.right);
      if (join.condition) VisitExpression(join.condition);
      return;
    }
    case TableReferenceType::TABLE_FUNCTION: {
      if (auto written = WrittenQuery(table->Cast<duckdb::TableFunctionRef>())) {
        table = std::move(written);
        return VisitTable(table);
      }
      auto& function = table->Cast<duckdb::TableFunctionRef>();
      if (function.function->GetExpressionClass() == duckdb::ExpressionClass::FUNCTION)
        VisitTableFunction(function.function->Cast<duckdb::FunctionExpression>());
      VisitExpression(function.function);
      if (function.subquery) VisitNode(*function.subquery->node);
      return;
    }
    case TableReferenceType::EXPRESSION_LIST:
      for (auto& row : table->Cast<duckdb::ExpressionListRef>().values) VisitExpressions(row);
      return;
    case TableReferenceType::PIVOT:
      return VisitPivot(table->Cast<duckdb::PivotRef>());
    case TableReferenceType::SHOW_REF: {
      auto& show = table->Cast<duckdb::ShowRef>();
      if (show.query) {
        VisitNode(*show.query);
      } else if (!show.table_name.empty() && show.catalog_name.empty() &&
                 show.schema_name.empty()) {
        VisitShownTable(show);
      }
      return;
    }
    default:
      return;
  }
}

void TreeVisitor::VisitPivot(duckdb::PivotRef& pivot) {
  VisitTable(pivot.source);
  VisitExpressions(pivot.aggregates);
  for (auto& column : pivot.pivots) {
    VisitExpressions(column.pivot_expressions);
    for (auto& entry : column.entries) {
      if (entry.expr) VisitExpression(entry.expr);
    }
    if (column.subquery) VisitNode(*column.subquery);
  }
}

void TreeVisitor::VisitExpression(duckdb::unique_ptr<duckdb::ParsedExpression>& expression) {
  if (expression->GetExpressionClass() == duckdb::ExpressionClass::PARAMETER)
    return VisitParameter(expression);
  if (expression->GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY) {
    VisitNode(*expression->Cast<duckdb::SubqueryExpression>().subquery->node);
  }
  bool is_function = expression->GetExpressionClass() == duckdb::ExpressionClass::FUNCTION ||
                     expression->GetExpressionClass() == duckdb::ExpressionClass::WINDOW;
  if (is_function) VisitFunction(*expression);
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      *expression,
      [&](duckdb::unique_ptr<duckdb::ParsedExpression>& child) { VisitExpression(child); });
}

void TreeVisitor::VisitExpressions(
    duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>>& expressions) {
  for (auto& expression : expressions) VisitExpression(expression);
}

void TreeVisitor::VisitKey(duckdb::unique_ptr<duckdb::ParsedExpression>& key,
                           const std::string& clause) {
  // A constant in this place is a column's number, so that a parameter would not be a value.
  if (key->GetExpressionClass() == duckdb::ExpressionClass::PARAMETER) {
    throw Error(ErrorKind::kInvalidInput, clause + " " + key->ToString() +
                                              ": a parameter can't stand for a column here. Write "
                                              "the column into the query.");
  }
  VisitExpression(key);
}

bool TreeVisitor::InScope(const std::string& name) const {
  for (const auto& defined : scope_) {
    if (duckdb::StringUtil::CIEquals(defined, name)) return true;
  }
  return false;
}

}  // namespace smallpond
