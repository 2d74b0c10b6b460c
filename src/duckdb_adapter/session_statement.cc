#include "duckdb_adapter/session_statement.h"

#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql_text.h"
#include "duckdb_adapter/statement_tree.h"

namespace smallpond {
namespace {

using duckdb::StatementType;

[[noreturn]] void Refuse(const duckdb::SQLStatement& statement, const std::string& advice) {
  throw Error(ErrorKind::kUnsupported,
              "execute() does not take " +
                  WithArticle(duckdb::StatementTypeToString(statement.type)) + " statement. " +
                  advice);
}

// DuckDB would write it to a file in the home folder.
bool IsPersistentSecret(const duckdb::CreateInfo& info) {
  return info.type == duckdb::CatalogType::SECRET_ENTRY &&
         info.Cast<duckdb::CreateSecretInfo>().persist_type ==
             duckdb::SecretPersistType::PERSISTENT;
}

}  // namespace

std::vector<Statement> ParseScript(const std::string& sql) {
  std::vector<Statement> statements;
  for (auto& statement : ParseStatements(sql)) {
    auto tree = std::make_unique<Statement::Tree>();
    tree->main = std::move(statement);
    statements.push_back(Statement::FromTree(std::move(tree)));
  }
  if (statements.empty()) throw Error(ErrorKind::kInvalidInput, "The text holds no statement.");
  return statements;
}

std::string ChangedTable(const Statement& statement) {
  const auto& main = *statement.tree().main;
  auto name_of = [](const duckdb::TableRef& table) {
    return table.type == duckdb::TableReferenceType::BASE_TABLE
               ? table.Cast<duckdb::BaseTableRef>().table_name
               : std::string();
  };
  switch (main.type) {
    case StatementType::INSERT_STATEMENT:
      return main.Cast<duckdb::InsertStatement>().table;
    case StatementType::UPDATE_STATEMENT:
      return name_of(*main.Cast<duckdb::UpdateStatement>().table);
    case StatementType::DELETE_STATEMENT:
      return name_of(*main.Cast<duckdb::DeleteStatement>().table);
    case StatementType::MERGE_INTO_STATEMENT:
      return name_of(*main.Cast<duckdb::MergeIntoStatement>().target);
    case StatementType::COPY_STATEMENT:
      return main.Cast<duckdb::CopyStatement>().info->table;
    default:
      return "";
  }
}

StatementEffect EffectOf(const Statement& statement) {
  const auto& main = *statement.tree().main;
  switch (main.type) {
    case StatementType::SET_STATEMENT:
    case StatementType::VARIABLE_SET_STATEMENT:
    case StatementType::PRAGMA_STATEMENT:
      return StatementEffect::kConnection;
    case StatementType::CREATE_STATEMENT:
      if (IsPersistentSecret(*main.Cast<duckdb::CreateStatement>().info)) {
        Refuse(main, "Secrets are kept in memory only. Leave PERSISTENT out.");
      }
      return StatementEffect::kDatabase;
    case StatementType::CREATE_FUNC_STATEMENT:
    case StatementType::ALTER_STATEMENT:
    case StatementType::DROP_STATEMENT:
    case StatementType::INSERT_STATEMENT:
    case StatementType::UPDATE_STATEMENT:
    case StatementType::DELETE_STATEMENT:
    case StatementType::MERGE_INTO_STATEMENT:
    case StatementType::ATTACH_STATEMENT:
    case StatementType::DETACH_STATEMENT:
    case StatementType::LOAD_STATEMENT:
    case StatementType::CALL_STATEMENT:
    case StatementType::ANALYZE_STATEMENT:
    case StatementType::VACUUM_STATEMENT:
    case StatementType::COPY_DATABASE_STATEMENT:
    case StatementType::UPDATE_EXTENSIONS_STATEMENT:
      return StatementEffect::kDatabase;
    case StatementType::COPY_STATEMENT:
      if (main.Cast<duckdb::CopyStatement>().info->is_from) return StatementEffect::kDatabase;
      Refuse(main,
             "Write with write_parquet(), write_csv() or write_json(), which publish whole files.");
    case StatementType::SELECT_STATEMENT:
      Refuse(main, "Run queries with sql().");
    case StatementType::TRANSACTION_STATEMENT:
      Refuse(main,
             "Each action has a connection of its own; a transaction would end with this one.");
    default:
      Refuse(main,
             "It takes SET, USE, CREATE, DROP, ALTER, INSERT, UPDATE, DELETE, ATTACH, DETACH and "
             "LOAD.");
  }
}

std::string SqlForWorkers(const Statement& statement) {
  const auto& main = *statement.tree().main;
  switch (main.type) {
    case StatementType::LOAD_STATEMENT:
    case StatementType::PRAGMA_STATEMENT:
    case StatementType::VARIABLE_SET_STATEMENT:
      return statement.ToSql();
    case StatementType::SET_STATEMENT: {
      const auto& name = main.Cast<duckdb::SetStatement>().name;
      bool is_about_names = name == "schema" || name == "search_path";  // They are bound already.
      return is_about_names ? "" : statement.ToSql();
    }
    case StatementType::CREATE_STATEMENT: {
      auto type = main.Cast<duckdb::CreateStatement>().info->type;
      if (type != duckdb::CatalogType::SECRET_ENTRY) return "";
      return main.query.substr(main.stmt_location, main.stmt_length);  // It can't be printed.
    }
    default:
      return "";
  }
}

void MakePermanent(Statement& statement) {
  auto& main = *statement.tree().main;
  if (main.type != StatementType::CREATE_STATEMENT) return;
  auto& info = *main.Cast<duckdb::CreateStatement>().info;
  info.temporary = false;
  if (info.catalog == TEMP_CATALOG) info.catalog = INVALID_CATALOG;
}

}  // namespace smallpond
