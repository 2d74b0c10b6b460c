#include "duckdb_adapter/connection/session_settings.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "duckdb/catalog/catalog_entry/pragma_function_catalog_entry.hpp"
#include "duckdb/catalog/catalog_search_path.hpp"
#include "duckdb/common/types/blob.hpp"
#include "duckdb/main/client_data.hpp"
#include "duckdb/main/database_manager.hpp"
#include "duckdb/main/secret/secret.hpp"
#include "duckdb/main/secret/secret_manager.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/parser/statement/drop_statement.hpp"
#include "duckdb/parser/statement/pragma_statement.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/connection/session_statement.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/serialized.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "duckdb_adapter/sql/statement_tree.h"

namespace smallpond {
namespace {

using duckdb::ClientContext;
using duckdb::SQLStatement;
using duckdb::StatementType;
using duckdb::StringUtil;

// What the session has done to its database, and workers do to theirs once.
struct Step {
  enum class Kind : uint8_t { kSql, kSet, kReset };
  Kind kind = Kind::kSql;
  std::string text;  // SQL, or the name of a setting.
  duckdb::SetScope scope = duckdb::SetScope::AUTOMATIC;
  duckdb::Value value = duckdb::Value();

  bool IsForWorkers() const;
};

// Names are bound in the driver, which also decides what a query may do and read; each worker has a
// folder of its own to spill to.
bool StaysWithDriver(const std::string& setting) {
  static const std::set<std::string> names = {"schema",
                                              "search_path",
                                              "temp_directory",
                                              "lock_configuration",
                                              "allowed_configs",
                                              "enable_external_access",
                                              "allowed_directories",
                                              "allowed_paths",
                                              "disabled_filesystems"};
  return names.count(StringUtil::Lower(setting)) > 0;
}

bool Step::IsForWorkers() const { return kind == Kind::kSql || !StaysWithDriver(text); }

// A pragma that stands for another query shows something, or makes tables.
bool IsQueryPragma(ClientContext& context, const std::string& name) {
  bool is_query = false;
  context.RunFunctionInTransaction([&] {
    auto entry = duckdb::Catalog::GetEntry<duckdb::PragmaFunctionCatalogEntry>(
        context, INVALID_CATALOG, DEFAULT_SCHEMA, name, duckdb::OnEntryNotFound::RETURN_NULL);
    if (!entry) return;
    for (const auto& function : entry->functions.functions) {
      is_query = is_query || function.query != nullptr;
    }
  });
  return is_query;
}

// Computes the value once, for all who get it.
void EvaluateValue(ClientContext& context, duckdb::SetVariableStatement& set) {
  duckdb::Value value;
  context.RunFunctionInTransaction([&] {
    duckdb::Planner planner(context);
    planner.CreatePlan(set.Copy());
    value = planner.plan->Cast<duckdb::LogicalSet>().value;
  });
  set.value = duckdb::make_uniq<duckdb::ConstantExpression>(std::move(value));
}

// Puts what the database itself depends on into a user's SET or RESET of it.
void KeepOwnSettings(const Connection::Handle& handle,
                     duckdb::unique_ptr<SQLStatement>& statement) {
  auto& set = statement->Cast<duckdb::SetStatement>();
  auto option = duckdb::DBConfig::GetOptionByName(set.name);
  if (!option) return;
  auto own = handle.own_settings.find(option->name);
  if (own == handle.own_settings.end()) return;
  if (set.set_type == duckdb::SetType::RESET) {
    statement = duckdb::make_uniq<duckdb::SetVariableStatement>(
        set.name, duckdb::make_uniq<duckdb::ConstantExpression>(own->second), set.scope);
  } else if (std::string(option->name) == Connection::Handle::kDisabledOptimizers) {
    auto& value = statement->Cast<duckdb::SetVariableStatement>().value;
    std::string users = value->Cast<duckdb::ConstantExpression>().value.ToString();
    value = duckdb::make_uniq<duckdb::ConstantExpression>(
        duckdb::Value(users + "," + own->second.ToString()));
  }
}

// Returns what the statement does to the database; nothing where it concerns connections alone.
std::vector<Step> StepsOf(ClientContext& context, const Statement& statement) {
  const auto& main = *statement.tree().main;
  if (main.type == StatementType::LOAD_STATEMENT) {
    return {{.kind = Step::Kind::kSql, .text = statement.ToSql()}};
  }
  if (main.type == StatementType::PRAGMA_STATEMENT) {
    const auto& name = main.Cast<duckdb::PragmaStatement>().info->name;
    if (IsQueryPragma(context, name)) return {};
    return {{.kind = Step::Kind::kSql, .text = statement.ToSql()}};
  }
  if (main.type != StatementType::SET_STATEMENT) return {};
  const auto& set = main.Cast<duckdb::SetStatement>();
  // Variables are put in where a query is bound.
  if (set.scope == duckdb::SetScope::VARIABLE) return {};
  if (set.set_type == duckdb::SetType::RESET) {
    return {{.kind = Step::Kind::kReset, .text = set.name, .scope = set.scope}};
  }
  const auto& value = *main.Cast<duckdb::SetVariableStatement>().value;
  return {{.kind = Step::Kind::kSet,
           .text = set.name,
           .scope = set.scope,
           .value = value.Cast<duckdb::ConstantExpression>().value}};
}

// A setting that is set again needs its earlier value no more, unless what was loaded since did.
void AddStep(std::vector<Step>& steps, Step step) {
  if (step.kind != Step::Kind::kSql) {
    for (size_t i = steps.size(); i > 0 && steps[i - 1].kind != Step::Kind::kSql; --i) {
      bool is_same = StringUtil::CIEquals(steps[i - 1].text, step.text);
      if (!is_same || steps[i - 1].scope != step.scope) continue;
      steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(i - 1));
      break;
    }
  }
  steps.push_back(std::move(step));
}

bool ChangesSecrets(const SQLStatement& statement) {
  if (statement.type == StatementType::CREATE_STATEMENT) {
    return statement.Cast<duckdb::CreateStatement>().info->type ==
           duckdb::CatalogType::SECRET_ENTRY;
  }
  return statement.type == StatementType::DROP_STATEMENT &&
         statement.Cast<duckdb::DropStatement>().info->type == duckdb::CatalogType::SECRET_ENTRY;
}

// The secrets that the session made, each as bytes. Others come from files that workers find too.
duckdb::vector<std::string> SecretsOf(ClientContext& context) {
  duckdb::vector<std::string> secrets;
  context.RunFunctionInTransaction([&] {
    auto transaction = duckdb::CatalogTransaction::GetSystemCatalogTransaction(context);
    for (const auto& entry : duckdb::SecretManager::Get(context).AllSecrets(transaction)) {
      if (entry.storage_mode != duckdb::SecretManager::TEMPORARY_STORAGE_NAME) continue;
      secrets.push_back(
          ToBytes([&](duckdb::Serializer& serializer) { entry.secret->Serialize(serializer); }));
    }
  });
  return secrets;
}

void RegisterSecrets(ClientContext& context, const duckdb::vector<std::string>& secrets) {
  context.RunFunctionInTransaction([&] {
    auto& manager = duckdb::SecretManager::Get(context);
    auto transaction = duckdb::CatalogTransaction::GetSystemCatalogTransaction(context);
    for (const auto& bytes : secrets) {
      FromBytes(bytes, [&](duckdb::Deserializer& deserializer) {
        manager.RegisterSecret(transaction, manager.DeserializeSecret(deserializer),
                               duckdb::OnCreateConflict::REPLACE_ON_CONFLICT,
                               duckdb::SecretPersistType::TEMPORARY);
      });
    }
  });
}

Statement StatementOf(const Step& step) {
  if (step.kind == Step::Kind::kSql) return Statement::Parse(step.text);
  auto tree = std::make_unique<Statement::Tree>();
  if (step.kind == Step::Kind::kReset) {
    tree->main = duckdb::make_uniq<duckdb::ResetVariableStatement>(step.text, step.scope);
  } else {
    tree->main = duckdb::make_uniq<duckdb::SetVariableStatement>(
        step.text, duckdb::make_uniq<duckdb::ConstantExpression>(step.value), step.scope);
  }
  return Statement::FromTree(std::move(tree));
}

int64_t NextWorkerVersion() {
  static std::atomic<int64_t> versions{0};
  return ++versions;
}

// Returns what connections have then.
SettingsRef RunSteps(Database& database, const std::vector<Step>& steps,
                     const duckdb::vector<std::string>& secrets) {
  SettingsRef settings = SessionSettings::None();
  for (const auto& step : steps) {
    Connection connection(database, settings);
    settings = SessionSettings::RunAndTake(connection, StatementOf(step));
  }
  if (!secrets.empty()) {
    Connection connection(database, settings);
    TranslatingErrors([&] { RegisterSecrets(connection.handle().context(), secrets); });
  }
  return settings;
}

}  // namespace

struct SessionSettings::State {
  bool is_set = false;  // Otherwise connections are as DuckDB makes them.
  duckdb::ClientConfig config;
  duckdb::vector<duckdb::CatalogSearchEntry> search_path;
  std::vector<Step> steps;              // What was done to the database, in order.
  duckdb::vector<std::string> secrets;  // What workers have then.
  int64_t worker_version = 0;
};

SessionSettings::SessionSettings(std::unique_ptr<const State> state) : state_(std::move(state)) {}
SessionSettings::~SessionSettings() = default;

SettingsRef SessionSettings::None() {
  static const SettingsRef none =
      std::make_shared<const SessionSettings>(std::make_unique<const State>());
  return none;
}

SettingsRef SessionSettings::RunAndTake(Connection& connection, Statement statement) {
  auto& context = connection.handle().context();
  auto state = std::make_unique<State>(*connection.settings()->state_);
  bool changes_secrets = ChangesSecrets(*statement.tree().main);
  std::vector<Step> steps = TranslatingErrors([&] {
    auto& main = statement.tree().main;
    if (main->type == StatementType::SET_STATEMENT) {
      auto& set = main->Cast<duckdb::SetStatement>();
      bool has_value = set.set_type == duckdb::SetType::SET;
      if (set.scope != duckdb::SetScope::VARIABLE) {
        if (has_value) EvaluateValue(context, main->Cast<duckdb::SetVariableStatement>());
        // Workers do the same with settings of their own.
        auto users = StepsOf(context, statement);
        KeepOwnSettings(connection.handle(), main);
        return users;
      }
    }
    return StepsOf(context, statement);
  });
  connection.Run(std::move(statement));
  TranslatingErrors([&] {
    state->is_set = true;
    state->config = context.config;
    state->search_path = duckdb::ClientData::Get(context).catalog_search_path->GetSetPaths();
    for (auto& entry : state->search_path) {  // USE of a schema leaves its database out.
      if (entry.catalog.empty()) {
        entry.catalog = duckdb::DatabaseManager::GetDefaultDatabase(context);
      }
    }
    if (changes_secrets) state->secrets = SecretsOf(context);
  });
  bool concerns_workers =
      std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.IsForWorkers(); });
  if (changes_secrets || concerns_workers) state->worker_version = NextWorkerVersion();
  for (auto& step : steps) AddStep(state->steps, std::move(step));
  return std::make_shared<const SessionSettings>(std::move(state));
}

SettingsRef SessionSettings::SetForWorkers(Connection& connection, const std::string& variable,
                                           const std::string& value) {
  std::string sql = "SET VARIABLE " + QuoteName(variable) + " = " + value;
  SettingsRef settings = RunAndTake(connection, Statement::Parse(sql));
  auto state = std::make_unique<State>(*settings->state_);
  state->steps.push_back({.kind = Step::Kind::kSql, .text = sql});
  state->worker_version = NextWorkerVersion();
  return std::make_shared<const SessionSettings>(std::move(state));
}

void SessionSettings::ApplyTo(ClientContext& context) const {
  if (!state_->is_set) return;
  context.config = state_->config;
  if (state_->search_path.empty()) return;
  duckdb::ClientData::Get(context).catalog_search_path->Set(
      state_->search_path, duckdb::CatalogSetPathType::SET_DIRECTLY);
}

void SessionSettings::PrepareDatabase(Database& database) const {
  std::vector<Step> steps;
  std::copy_if(state_->steps.begin(), state_->steps.end(), std::back_inserter(steps),
               [](const Step& step) { return step.IsForWorkers(); });
  RunSteps(database, steps, state_->secrets);
}

void SessionSettings::LockDatabase(Database& database) const {
  // Connections have the search path by themselves.
  static const std::set<std::string> of_connections = {"schema", "search_path"};
  std::vector<Step> steps;
  std::copy_if(
      state_->steps.begin(), state_->steps.end(), std::back_inserter(steps), [](const Step& step) {
        return !step.IsForWorkers() && of_connections.count(StringUtil::Lower(step.text)) == 0;
      });
  RunSteps(database, steps, {});
}

int64_t SessionSettings::worker_version() const { return state_->worker_version; }

std::string SessionSettings::ForWorkers() const {
  return TranslatingErrors([&] {
    duckdb::vector<std::string> texts;
    duckdb::vector<uint64_t> kinds;
    duckdb::vector<uint64_t> scopes;
    duckdb::vector<duckdb::Value> values;
    for (const auto& step : state_->steps) {
      if (!step.IsForWorkers()) continue;
      kinds.push_back(static_cast<uint64_t>(step.kind));
      texts.push_back(step.text);
      scopes.push_back(static_cast<uint64_t>(step.scope));
      values.push_back(step.value);
    }
    std::string bytes = ToBytes([&](duckdb::Serializer& serializer) {
      serializer.WriteProperty(100, "kinds", kinds);
      serializer.WriteProperty(101, "texts", texts);
      serializer.WriteProperty(102, "scopes", scopes);
      serializer.WriteProperty(103, "values", values);
      serializer.WriteProperty(104, "secrets", state_->secrets);
    });
    return duckdb::Blob::ToBase64(duckdb::string_t(bytes));
  });
}

SettingsRef SessionSettings::SetUpWorker(Database& database, const std::string& for_workers) {
  SettingsRef settings = None();
  if (for_workers.empty()) return settings;
  std::vector<Step> steps;
  duckdb::vector<std::string> secrets;
  TranslatingErrors([&] {
    std::string bytes = duckdb::Blob::FromBase64(duckdb::string_t(for_workers));
    FromBytes(bytes, [&](duckdb::Deserializer& in) {
      auto kinds = in.ReadProperty<duckdb::vector<uint64_t>>(100, "kinds");
      auto texts = in.ReadProperty<duckdb::vector<std::string>>(101, "texts");
      auto scopes = in.ReadProperty<duckdb::vector<uint64_t>>(102, "scopes");
      auto values = in.ReadProperty<duckdb::vector<duckdb::Value>>(103, "values");
      secrets = in.ReadProperty<duckdb::vector<std::string>>(104, "secrets");
      for (size_t i = 0; i < kinds.size(); ++i) {
        steps.push_back({static_cast<Step::Kind>(kinds[i]), texts[i],
                         static_cast<duckdb::SetScope>(scopes[i]), values[i]});
      }
    });
  });
  return RunSteps(database, steps, secrets);
}

}  // namespace smallpond
