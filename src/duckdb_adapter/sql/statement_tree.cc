#include "duckdb_adapter/sql/statement_tree.h"

#include "base/secrets.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/sql_text.h"

namespace smallpond {
namespace {

using duckdb::StatementType;

std::string AdviceInsteadOfQuery(StatementType type) {
  switch (type) {
    case StatementType::EXPLAIN_STATEMENT:
      return "Build the frame without EXPLAIN and call its explain().";
    case StatementType::COPY_STATEMENT:
    case StatementType::EXPORT_STATEMENT:
      return "Write rows with write_parquet(), write_csv() or write_json() of a frame.";
    case StatementType::PREPARE_STATEMENT:
    case StatementType::EXECUTE_STATEMENT:
      return "Give the query itself, and its values with params=.";
    case StatementType::TRANSACTION_STATEMENT:
      return "Each call is a transaction of its own.";
    case StatementType::PRAGMA_STATEMENT:
    case StatementType::CALL_STATEMENT:
      return "Run it with execute(), or query the function for its rows: FROM pragma_version().";
    default:
      return "Run it with execute().";
  }
}

[[noreturn]] void ThrowNotAQuery(const duckdb::SQLStatement& statement) {
  std::string kind = WithArticle(duckdb::StatementTypeToString(statement.type));
  kind[0] = 'A';
  throw Error(ErrorKind::kUnsupported, kind + " statement is not a query. " +
                                           AdviceInsteadOfQuery(statement.type) +
                                           " A query is one SELECT (or FROM, VALUES, PIVOT, "
                                           "DESCRIBE, SUMMARIZE).");
}

}  // namespace

duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>> ParseStatements(
    const std::string& sql, const duckdb::ParserOptions& options) {
  try {
    duckdb::Parser parser(options);
    parser.ParseQuery(sql);
    for (auto& statement : parser.statements) statement->query = MaskSecrets(statement->query);
    return std::move(parser.statements);
  } catch (const std::exception& error) {
    ThrowAsOurs(error, MaskSecrets(sql));
  }
}

std::unique_ptr<Statement::Tree> ParseTree(const std::string& sql,
                                           const duckdb::ParserOptions& options) {
  auto statements = ParseStatements(sql, options);
  if (statements.size() != 1) {
    throw Error(ErrorKind::kInvalidInput,
                statements.empty() ? "The query is empty. Give one statement."
                                   : "The query holds " + std::to_string(statements.size()) +
                                         " statements. Give one, and call once for each.");
  }
  auto tree = std::make_unique<Statement::Tree>();
  tree->main = std::move(statements[0]);
  if (tree->main->type == StatementType::MULTI_STATEMENT) {  // PIVOT without an IN list
    auto parts = std::move(tree->main->Cast<duckdb::MultiStatement>().statements);
    tree->main = std::move(parts.back());
    parts.pop_back();
    tree->preparation = std::move(parts);
  }
  return tree;
}

Statement ParseQueryBy(const std::string& sql, const duckdb::ParserOptions& options) {
  auto tree = ParseTree(sql, options);
  if (tree->main->type != StatementType::SELECT_STATEMENT) ThrowNotAQuery(*tree->main);
  return Statement::FromTree(std::move(tree));
}

duckdb::unique_ptr<duckdb::SelectStatement> SelectAllFrom(
    duckdb::unique_ptr<duckdb::TableRef> table) {
  auto node = duckdb::make_uniq<duckdb::SelectNode>();
  node->select_list.push_back(duckdb::make_uniq<duckdb::StarExpression>());
  node->from_table = std::move(table);
  auto select = duckdb::make_uniq<duckdb::SelectStatement>();
  select->node = std::move(node);
  return select;
}

}  // namespace smallpond
