#include "duckdb_adapter/connection/session_statement.h"

#include "duckdb/parser/parsed_data/create_view_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/parser/statement/drop_statement.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "duckdb_adapter/sql/statement_tree.h"

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

std::vector<Statement> ParseScript(const std::string& sql, Connection& connection) {
  std::vector<Statement> statements;
  for (auto& statement : ParseStatements(sql, connection.handle().context().GetParserOptions())) {
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

void CheckChangesSession(const Statement& statement) {
  const auto& main = *statement.tree().main;
  switch (main.type) {
    case StatementType::SET_STATEMENT:
    case StatementType::VARIABLE_SET_STATEMENT:
      return;
    case StatementType::PRAGMA_STATEMENT:
      if (duckdb::StringUtil::CIEquals(main.Cast<duckdb::PragmaStatement>().info->name,
                                       "enable_verification")) {
        Refuse(main,
               "enable_verification runs every query in several ways, to test DuckDB itself.");
      }
      return;
    case StatementType::CREATE_STATEMENT:
      if (IsPersistentSecret(*main.Cast<duckdb::CreateStatement>().info)) {
        Refuse(main, "Secrets are kept in memory only. Leave PERSISTENT out.");
      }
      return;
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
      return;
    case StatementType::COPY_STATEMENT:
      if (main.Cast<duckdb::CopyStatement>().info->is_from) return;
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

bool ChangesSettings(const Statement& statement) {
  const auto& main = *statement.tree().main;
  switch (main.type) {
    case StatementType::SET_STATEMENT:
    case StatementType::VARIABLE_SET_STATEMENT:
    case StatementType::PRAGMA_STATEMENT:
    case StatementType::LOAD_STATEMENT:
      return true;
    case StatementType::CREATE_STATEMENT:
      return main.Cast<duckdb::CreateStatement>().info->type == duckdb::CatalogType::SECRET_ENTRY;
    case StatementType::DROP_STATEMENT:
      return main.Cast<duckdb::DropStatement>().info->type == duckdb::CatalogType::SECRET_ENTRY;
    default:
      return false;
  }
}

bool MakesNoRows(const Statement& statement) {
  const auto& main = *statement.tree().main;
  switch (main.type) {
    case StatementType::CREATE_STATEMENT: {
      auto type = main.Cast<duckdb::CreateStatement>().info->type;
      return type != duckdb::CatalogType::TABLE_ENTRY && type != duckdb::CatalogType::INDEX_ENTRY;
    }
    case StatementType::DROP_STATEMENT:
      return main.Cast<duckdb::DropStatement>().info->type != duckdb::CatalogType::TABLE_ENTRY;
    case StatementType::CREATE_FUNC_STATEMENT:
    case StatementType::ATTACH_STATEMENT:
    case StatementType::DETACH_STATEMENT:
    case StatementType::LOAD_STATEMENT:
      return true;
    default:
      return false;
  }
}

std::string CreatedTable(const Statement& statement) {
  const auto& main = *statement.tree().main;
  if (main.type != StatementType::CREATE_STATEMENT) return "";
  const auto& info = *main.Cast<duckdb::CreateStatement>().info;
  bool is_of_session = (info.catalog.empty() || info.catalog == "memory") &&
                       (info.schema.empty() || info.schema == DEFAULT_SCHEMA);
  if (!is_of_session) return "";
  if (info.type == duckdb::CatalogType::TABLE_ENTRY) {
    return info.Cast<duckdb::CreateTableInfo>().table;
  }
  if (info.type == duckdb::CatalogType::VIEW_ENTRY) {
    return info.Cast<duckdb::CreateViewInfo>().view_name;
  }
  return "";
}

std::string DroppedTable(const Statement& statement) {
  const auto& main = *statement.tree().main;
  if (main.type != StatementType::DROP_STATEMENT) return "";
  return main.Cast<duckdb::DropStatement>().info->name;
}

void MakePermanent(Statement& statement) {
  auto& main = *statement.tree().main;
  if (main.type != StatementType::CREATE_STATEMENT) return;
  auto& info = *main.Cast<duckdb::CreateStatement>().info;
  info.temporary = false;
  if (info.catalog == TEMP_CATALOG) info.catalog = INVALID_CATALOG;
}

}  // namespace smallpond
