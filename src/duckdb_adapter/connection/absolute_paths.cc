#include "duckdb_adapter/connection/absolute_paths.h"

#include <filesystem>

#include "duckdb/function/table_macro_function.hpp"
#include "duckdb/parser/parsed_data/create_macro_info.hpp"
#include "duckdb/parser/parsed_data/create_scalar_function_info.hpp"
#include "duckdb/parser/parsed_data/create_view_info.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "duckdb_adapter/sql/statement_tree.h"
#include "duckdb_adapter/sql/tree_visitor.h"
#include "storage/files/file_system.h"
#include "storage/files/paths.h"

namespace smallpond {
namespace {

using duckdb::LogicalType;
using ParsedRef = duckdb::unique_ptr<duckdb::ParsedExpression>;

constexpr const char* kFunction = "smallpond_absolute_paths";

// Whether the first argument of a table function is a path, a glob or a list of them.
bool TakesPaths(const std::string& function) {
  static const std::set<std::string> others = {
      "glob",         "sniff_csv",           "parquet_scan",        "delta_scan",
      "iceberg_scan", "iceberg_metadata",    "iceberg_snapshots",   "st_read",
      "st_read_meta", "parquet_metadata",    "parquet_schema",      "parquet_file_metadata",
      "sqlite_scan",  "parquet_bloom_probe", "parquet_kv_metadata", "parquet_full_metadata"};
  static const std::set<std::string> readers = {"read_csv",
                                                "read_csv_auto",
                                                "read_json",
                                                "read_json_auto",
                                                "read_ndjson",
                                                "read_ndjson_auto",
                                                "read_json_objects",
                                                "read_json_objects_auto",
                                                "read_text",
                                                "read_blob",
                                                "read_ndjson_objects",
                                                "read_parquet",
                                                "read_duckdb",
                                                "read_xlsx",
                                                "read_avro"};
  std::string name = duckdb::StringUtil::Lower(function);
  return others.count(name) > 0 || readers.count(name) > 0;
}

// DuckDB takes a colon before the first slash for the beginning of an absolute path.
bool IsRelative(const std::string& path) {
  if (path.empty() || path[0] == '/' || path[0] == '~') return false;
  return path.substr(0, path.find('/')).find(':') == std::string::npos;
}

// Nothing is resolved but the beginning: what ".." means depends on symbolic links.
std::string Absolute(std::string path, const std::string& folder) {
  if (!IsRelative(path)) return path;
  while (path.starts_with("./")) path.erase(0, 2);
  return EscapePattern(folder) + (folder.ends_with('/') ? "" : "/") + path;
}

duckdb::Value Absolute(const duckdb::Value& value, const std::string& folder) {
  if (value.IsNull()) return value;
  if (value.type().id() == duckdb::LogicalTypeId::VARCHAR) {
    return duckdb::Value(Absolute(duckdb::StringValue::Get(value), folder));
  }
  if (value.type() != LogicalType::LIST(LogicalType::VARCHAR)) return value;
  duckdb::vector<duckdb::Value> paths;
  for (const auto& path : duckdb::ListValue::GetChildren(value)) {
    paths.push_back(Absolute(path, folder));
  }
  return duckdb::Value::LIST(LogicalType::VARCHAR, std::move(paths));
}

// The same for paths that are known only where the statement is bound.
void RunAbsolute(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  for (duckdb::idx_t row = 0; row < arguments.size(); ++row) {
    result.SetValue(row,
                    Absolute(arguments.GetValue(0, row), arguments.GetValue(1, row).ToString()));
  }
  if (arguments.AllConstant()) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

bool HoldsColumn(const duckdb::ParsedExpression& expression) {
  bool holds = expression.GetExpressionClass() == duckdb::ExpressionClass::COLUMN_REF ||
               expression.GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression,
      [&](const duckdb::ParsedExpression& child) { holds = holds || HoldsColumn(child); });
  return holds;
}

class PathVisitor : public TreeVisitor {
 public:
  PathVisitor(Connection& connection, const std::string& folder,
              const std::set<std::string>& inputs)
      : connection_(connection), folder_(folder), inputs_(inputs) {}

 protected:
  void VisitTableFunction(duckdb::FunctionExpression& function) override {
    if (!function.children.empty() && TakesPaths(function.function_name)) {
      MakeAbsolute(function.children[0]);
    }
  }

  void VisitFreeTable(duckdb::unique_ptr<duckdb::TableRef>& table) override {
    auto& base = table->Cast<duckdb::BaseTableRef>();
    if (inputs_.count(base.table_name) == 0) VisitQualifiedTable(base);
  }

  // FROM file.csv is parsed as a table csv of a schema named file.
  void VisitQualifiedTable(duckdb::BaseTableRef& base) override {
    std::string path =
        duckdb::ReplacementScan::GetFullPath(base.catalog_name, base.schema_name, base.table_name);
    if (!IsFile(path) || IsTable(base)) return;
    std::string absolute = Absolute(path, folder_);
    // Without a pattern DuckDB names the table by the file.
    if (base.alias.empty() && duckdb::FileSystem::HasGlob(path)) {
      base.alias = base.table_name;
    } else if (base.alias.empty() && duckdb::FileSystem::HasGlob(absolute)) {
      base.alias = std::filesystem::path(path).filename().string();
      base.alias.resize(base.alias.find('.'));
    }
    base.catalog_name.clear();
    base.schema_name.clear();
    base.table_name = std::move(absolute);
  }

  void VisitShownTable(duckdb::ShowRef& show) override {
    bool is_quoted = show.table_name.size() > 1 && show.table_name.front() == '"';
    std::string name =
        is_quoted ? show.table_name.substr(1, show.table_name.size() - 2) : show.table_name;
    if (inputs_.count(name) > 0 || !IsFile(name) || connection_.FindTable(name)) return;
    show.table_name = QuoteName(Absolute(name, folder_));
  }

 private:
  void MakeAbsolute(ParsedRef& argument) {
    if (argument->GetExpressionClass() == duckdb::ExpressionClass::CONSTANT) {
      auto& constant = argument->Cast<duckdb::ConstantExpression>();
      constant.value = Absolute(constant.value, folder_);
      return;
    }
    bool is_call = argument->GetExpressionClass() == duckdb::ExpressionClass::FUNCTION;
    if (is_call && argument->Cast<duckdb::FunctionExpression>().function_name == "list_value") {
      for (auto& path : argument->Cast<duckdb::FunctionExpression>().children) MakeAbsolute(path);
      return;
    }
    bool is_named = argument->GetExpressionClass() == duckdb::ExpressionClass::COMPARISON;
    if (is_named || HoldsColumn(*argument)) return;
    duckdb::vector<ParsedRef> arguments;
    arguments.push_back(std::move(argument));
    arguments.push_back(duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(folder_)));
    argument = duckdb::make_uniq<duckdb::FunctionExpression>(SYSTEM_CATALOG, DEFAULT_SCHEMA,
                                                             kFunction, std::move(arguments));
  }

  // Whether a name can only be that of files. Other names stay, so that errors show them.
  bool IsFile(const std::string& path) {
    if (!IsRelative(path) || path.find('.') == std::string::npos) return false;
    if (Exists(std::filesystem::path(folder_) / path)) return true;
    return duckdb::FileSystem::HasGlob(path) && !connection_.Glob(Absolute(path, folder_)).empty();
  }

  bool IsTable(const duckdb::BaseTableRef& base) {
    bool is_table = false;
    auto& context = connection_.handle().context();
    context.RunFunctionInTransaction([&] {
      duckdb::EntryLookupInfo lookup(duckdb::CatalogType::TABLE_ENTRY, base.table_name);
      is_table = duckdb::Catalog::GetEntry(context, base.catalog_name, base.schema_name, lookup,
                                           duckdb::OnEntryNotFound::RETURN_NULL) != nullptr;
    });
    return is_table;
  }

  Connection& connection_;
  const std::string& folder_;
  const std::set<std::string>& inputs_;
};

void VisitCreated(duckdb::CreateInfo& info, PathVisitor& visitor) {
  if (info.type == duckdb::CatalogType::VIEW_ENTRY) {
    auto& query = info.Cast<duckdb::CreateViewInfo>().query;
    if (query) visitor.VisitStatement(*query);
  }
  if (info.type != duckdb::CatalogType::TABLE_MACRO_ENTRY) return;
  for (auto& macro : info.Cast<duckdb::CreateMacroInfo>().macros) {
    auto& node = macro->Cast<duckdb::TableMacroFunction>().query_node;
    duckdb::SelectStatement select;
    select.node = std::move(node);
    visitor.VisitStatement(select);
    node = std::move(select.node);
  }
}

}  // namespace

void MakePathsAbsolute(Connection& connection, Statement& statement, const std::string& folder,
                       const std::set<std::string>& inputs) {
  TranslatingErrors([&] {
    duckdb::Value search_path;
    auto& context = connection.handle().context();
    if (context.TryGetCurrentSetting("file_search_path", search_path) && !search_path.IsNull() &&
        !search_path.ToString().empty()) {
      return;
    }
    PathVisitor visitor(connection, folder, inputs);
    for (auto& before : statement.tree().preparation) visitor.VisitStatement(*before);
    auto& main = *statement.tree().main;
    visitor.VisitStatement(main);
    if (main.type == duckdb::StatementType::CREATE_STATEMENT) {
      VisitCreated(*main.Cast<duckdb::CreateStatement>().info, visitor);
    }
  });
}

void RegisterAbsolutePaths(duckdb::DatabaseInstance& database) {
  duckdb::Connection connection(database);
  connection.context->RunFunctionInTransaction([&] {
    duckdb::ScalarFunctionSet functions(kFunction);
    for (const auto& type :
         {LogicalType(LogicalType::VARCHAR), LogicalType::LIST(LogicalType::VARCHAR)}) {
      duckdb::ScalarFunction function({type, LogicalType::VARCHAR}, type, RunAbsolute);
      function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
      functions.AddFunction(function);
    }
    duckdb::CreateScalarFunctionInfo info(std::move(functions));
    info.on_conflict = duckdb::OnCreateConflict::IGNORE_ON_CONFLICT;
    auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
    catalog.CreateFunction(*connection.context, info);
  });
}

}  // namespace smallpond
