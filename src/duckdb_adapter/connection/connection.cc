#include "duckdb_adapter/connection/connection.h"
#include "base/secrets.h"

#include "duckdb/main/valid_checker.hpp"
#include "duckdb/storage/buffer_manager.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/connection/database_instance.h"
#include "duckdb_adapter/connection/html_table.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/schema_types.h"
#include "duckdb_adapter/sql/statement_tree.h"

namespace smallpond {
namespace {

duckdb::unique_ptr<duckdb::MaterializedQueryResult> AsMaterialized(
    duckdb::unique_ptr<duckdb::QueryResult> result) {
  return duckdb::unique_ptr_cast<duckdb::QueryResult, duckdb::MaterializedQueryResult>(
      std::move(result));
}

// Calls `use` with what SQL finds of a kind under a bare name, if anything.
void WithEntry(duckdb::ClientContext& context, duckdb::CatalogType kind, const std::string& name,
               const std::function<void(duckdb::CatalogEntry&)>& use) {
  TranslatingErrors([&] {
    context.RunFunctionInTransaction([&] {
      auto entry = duckdb::Catalog::GetEntry(context, INVALID_CATALOG, INVALID_SCHEMA,
                                             duckdb::EntryLookupInfo(kind, name),
                                             duckdb::OnEntryNotFound::RETURN_NULL);
      if (entry) use(*entry);
    });
  });
}

}  // namespace

Connection::Connection(Database& database, SettingsRef settings)
    : settings_(settings ? std::move(settings) : SessionSettings::None()) {
  TranslatingErrors([&] {
    handle_ = std::make_unique<Handle>(database.instance());
    settings_->ApplyTo(handle_->context());
    auto& config = handle_->context().config;
    config.enable_progress_bar = true;  // Counts progress; showing it is up to the caller.
    config.print_progress_bar = false;
  });
}

Connection::~Connection() = default;

void Connection::SetForWorkers(const std::string& variable, const std::string& value) {
  settings_ = SessionSettings::SetForWorkers(*this, variable, value);
}

duckdb::unique_ptr<duckdb::QueryResult> Connection::Handle::Run(Statement statement,
                                                                bool allow_streaming) {
  return TranslatingErrors([&] {
    RunPreparation(statement);
    auto& main = statement.tree().main;
    auto result = runs_optimized
                      ? RunPlanned(std::move(main), allow_streaming)
                      : context().Query(std::move(main), duckdb::QueryParameters(allow_streaming));
    if (result->HasError()) ThrowAsOurs(result->GetErrorObject());
    return result;
  });
}

// Planning comes before running, so that the optimizer can be off for the one and on for the other.
duckdb::unique_ptr<duckdb::QueryResult> Connection::Handle::RunPlanned(
    duckdb::unique_ptr<duckdb::SQLStatement> main, bool allow_streaming) {
  auto& optimizes = context().config.enable_optimizer;
  optimizes = *runs_optimized;
  auto planned = context().Prepare(std::move(main));
  optimizes = *runs_optimized;
  if (planned->HasError()) ThrowAsOurs(planned->error);
  duckdb::vector<duckdb::Value> no_values;
  return planned->Execute(no_values, allow_streaming);
}

void Connection::Handle::RunPreparation(Statement& statement) {
  for (auto& step : statement.tree().preparation) {
    auto result = context().Query(std::move(step), duckdb::QueryParameters(false));
    if (result->HasError()) ThrowAsOurs(result->GetErrorObject());
  }
  statement.tree().preparation.clear();
}

Statement Connection::ParseQuery(const std::string& sql) {
  return ParseQueryBy(sql, handle_->context().GetParserOptions());
}

Schema Connection::Bind(const Statement& query) {
  auto& context = handle_->context();
  Statement copy = query.Copy();
  std::string text = copy.tree().main->query;
  return TranslatingBindErrors(context, text, [&] {
    handle_->RunPreparation(copy);
    auto types = std::make_shared<Schema::Types>();
    std::vector<std::string> names;
    context.RunFunctionInTransaction([&] {
      duckdb::Planner planner(context);
      planner.CreatePlan(std::move(copy.tree().main));
      names.assign(planner.names.begin(), planner.names.end());
      types->list = planner.types;
    });
    return Schema(std::move(names), std::move(types));
  });
}

std::optional<TableLocation> Connection::FindTable(const std::string& name) {
  std::optional<TableLocation> found;
  WithEntry(handle_->context(), duckdb::CatalogType::TABLE_ENTRY, name,
            [&](duckdb::CatalogEntry& entry) {
              found = {entry.ParentCatalog().GetName(), entry.ParentSchema().name};
            });
  return found;
}

bool Connection::HasMacroFor(const std::string& function) {
  bool has_macro = false;
  WithEntry(handle_->context(), duckdb::CatalogType::SCALAR_FUNCTION_ENTRY, function,
            [&](duckdb::CatalogEntry& entry) { has_macro = !entry.internal; });
  return has_macro;
}

bool Connection::MayOpen(const std::string& path) {
  return TranslatingErrors([&] {
    auto& config = duckdb::DBConfig::GetConfig(handle_->context());
    return config.CanAccessFile(path, duckdb::FileType::FILE_TYPE_REGULAR);
  });
}

std::vector<std::string> Connection::Glob(const std::string& pattern) {
  return TranslatingErrors([&] {
    std::vector<std::string> paths;
    auto& file_system = duckdb::FileSystem::GetFileSystem(handle_->context());
    for (auto& file : file_system.Glob(pattern)) paths.push_back(file.path);
    std::sort(paths.begin(), paths.end());
    return paths;
  });
}

void Connection::Run(Statement statement) { handle_->Run(std::move(statement)); }

int64_t Connection::QueryInt64(Statement query) {
  auto result = AsMaterialized(handle_->Run(std::move(query)));
  return TranslatingErrors([&] {
    if (result->RowCount() == 0) return int64_t{0};
    auto value = result->GetValue(0, 0);
    return value.IsNull() ? int64_t{0} : value.GetValue<int64_t>();
  });
}

std::vector<std::pair<std::string, int64_t>> Connection::QueryCounts(Statement query) {
  auto result = AsMaterialized(handle_->Run(std::move(query)));
  return TranslatingErrors([&] {
    std::vector<std::pair<std::string, int64_t>> rows;
    for (auto& row : result->Collection().Rows())
      rows.emplace_back(row.GetValue(0).ToString(), row.GetValue(1).GetValue<int64_t>());
    return rows;
  });
}

CopyResult Connection::RunCopy(Statement copy) {
  auto result = AsMaterialized(handle_->Run(std::move(copy)));
  return TranslatingErrors([&] {
    CopyResult copied;
    bool has_stats = result->names.at(0) == "filename";
    for (auto& row : result->Collection().Rows()) {
      if (has_stats) {
        int64_t rows = row.GetValue(1).GetValue<int64_t>();
        copied.rows += rows;
        copied.files.push_back({row.GetValue(0).ToString(), rows});
        continue;
      }
      copied.rows = row.GetValue(0).GetValue<int64_t>();
      duckdb::Value files = row.GetValue(1);
      for (const auto& file : duckdb::ListValue::GetChildren(files))
        copied.files.push_back({file.ToString()});
      if (copied.files.size() == 1) copied.files[0].rows = copied.rows;
    }
    return copied;
  });
}

std::string Connection::RenderText(Statement query, int max_rows, int width, int limit,
                                   const MoreText& more) {
  auto result = AsMaterialized(handle_->Run(std::move(query)));
  return TranslatingErrors([&] {
    duckdb::BoxRendererConfig config;
    config.max_rows = static_cast<duckdb::idx_t>(max_rows);
    config.max_width = static_cast<duckdb::idx_t>(width);
    auto draw = [&](const duckdb::ColumnDataCollection& rows) {
      return duckdb::BoxRenderer(config).ToString(handle_->context(), result->names, rows);
    };
    if (result->RowCount() < static_cast<duckdb::idx_t>(limit)) return draw(result->Collection());
    // What stands behind the limit is not known, so the last rows here are not the last ones.
    duckdb::ColumnDataCollection first(handle_->context(), result->types);
    for (auto& chunk : result->Collection().Chunks()) {
      duckdb::idx_t left = config.max_rows - first.Count();
      if (left == 0) break;
      if (chunk.size() > left) chunk.SetCardinality(left);
      first.Append(chunk);
    }
    return draw(first) + more() + "\n";
  });
}

std::string Connection::RenderHtml(Statement query, int max_rows, const MoreText& more) {
  auto result = AsMaterialized(handle_->Run(std::move(query)));
  return TranslatingErrors([&] {
    bool has_more = result->RowCount() > static_cast<duckdb::idx_t>(max_rows);
    std::string html = HtmlTable(*result, max_rows);
    return has_more ? html + "\n<p>" + more() + "</p>" : html;
  });
}

std::string Connection::ExplainPlan(Statement query, PlanForm form) {
  return TranslatingErrors([&] {
    // A credential that a box breaks over two lines is not seen by who hides them in the text.
    std::string text = query.ToSql();
    bool as_json = form.json || WithoutSecrets(text) != text;
    handle_->RunPreparation(query);
    auto explain = duckdb::make_uniq<duckdb::ExplainStatement>(
        std::move(query.tree().main),
        form.analyze ? duckdb::ExplainType::EXPLAIN_ANALYZE : duckdb::ExplainType::EXPLAIN_STANDARD,
        as_json ? duckdb::ExplainFormat::JSON : duckdb::ExplainFormat::DEFAULT);
    auto result = handle_->context().Query(std::move(explain), duckdb::QueryParameters(false));
    if (result->HasError()) ThrowAsOurs(result->GetErrorObject());
    return AsMaterialized(std::move(result))->GetValue(1, 0).ToString();
  });
}

Connection::MemoryUse Connection::Use() {
  return TranslatingErrors([&] {
    auto& buffers = duckdb::BufferManager::GetBufferManager(*handle_->context().db);
    return MemoryUse{buffers.GetUsedMemory(), buffers.GetUsedSwap()};
  });
}

bool Connection::IsBroken() { return duckdb::ValidChecker::IsInvalidated(*handle_->context().db); }

void Connection::Break() {
  duckdb::ValidChecker::Invalidate(*handle_->context().db, "A test has asked for it.");
}

void Connection::Interrupt() { handle_->connection.Interrupt(); }

bool Connection::IsInterrupted() { return handle_->context().IsInterrupted(); }

double Connection::ProgressFraction() {
  if (shown_progress_ >= 0) return shown_progress_;
  double percent = handle_->context().GetQueryProgress().GetPercentage();
  return percent < 0 ? -1 : percent / 100;
}

}  // namespace smallpond
