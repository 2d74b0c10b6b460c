#include "duckdb_adapter/sql/sql_clause.h"

#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

constexpr const char* kTable = "{0}";

std::string Query(SqlClause clause, const std::string& text) {
  // On lines of its own: a comment may end the text.
  switch (clause) {
    case SqlClause::kExpressions:
      return "SELECT " + text + "\n FROM {0}";
    case SqlClause::kCondition:
      return "SELECT * FROM {0} WHERE (\n" + text + "\n)";
    case SqlClause::kOrder:
      return "SELECT * FROM {0} ORDER BY " + text + "\n";
  }
  return "";
}

const char* Name(SqlClause clause) {
  switch (clause) {
    case SqlClause::kExpressions:
      return "a list of SQL expressions, such as 'a, b + 1 AS c'";
    case SqlClause::kCondition:
      return "one SQL condition, such as 'a > 1'";
    case SqlClause::kOrder:
      return "SQL expressions to sort by, such as 'a' and 'b DESC'";
  }
  return "";
}

// Whether a parsed query has this clause around the table and nothing else.
bool IsOnly(SqlClause clause, const duckdb::SQLStatement& statement) {
  if (statement.type != duckdb::StatementType::SELECT_STATEMENT) return false;
  const auto& node = *statement.Cast<duckdb::SelectStatement>().node;
  if (node.type != duckdb::QueryNodeType::SELECT_NODE) return false;
  const auto& select = node.Cast<duckdb::SelectNode>();
  if (select.from_table->type != duckdb::TableReferenceType::BASE_TABLE) return false;
  const auto& table = select.from_table->Cast<duckdb::BaseTableRef>();
  bool is_order = clause == SqlClause::kOrder;
  bool has_modifiers =
      is_order ? select.modifiers.size() != 1 ||
                     select.modifiers[0]->type != duckdb::ResultModifierType::ORDER_MODIFIER
               : !select.modifiers.empty();
  return table.table_name == kTable && table.alias.empty() && !table.sample && !has_modifiers &&
         select.cte_map.map.empty() && !select.having && !select.qualify && !select.sample &&
         select.groups.group_expressions.empty() &&
         select.aggregate_handling == duckdb::AggregateHandling::STANDARD_HANDLING &&
         (select.where_clause != nullptr) == (clause == SqlClause::kCondition);
}

// Whether the text is one expression by itself, which "a) OR (b" is only between parentheses.
bool IsOneExpression(const std::string& text) {
  try {
    return duckdb::Parser::ParseExpressionList(text).size() == 1;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

std::string QueryOfClause(SqlClause clause, const std::string& text, const std::string& method) {
  std::string query = Query(clause, text);
  duckdb::Parser parser;
  try {
    parser.ParseQuery(QuotePlaceholders(query, {}));
  } catch (const std::exception&) {
    return query;
  }
  bool is_only = parser.statements.size() == 1 && IsOnly(clause, *parser.statements[0]);
  if (is_only && clause == SqlClause::kCondition) {
    is_only = IsOneExpression(QuotePlaceholders(text, {}));
  }
  if (is_only) return query;
  throw Error(ErrorKind::kInvalidInput, method + "() takes " + Name(clause) +
                                            ", and nothing else, not: " + OneLine(text) +
                                            ". Say more with partial_sql().");
}

}  // namespace smallpond
