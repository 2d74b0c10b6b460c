#include "duckdb_adapter/sql/statement.h"

#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/schema_types.h"
#include "duckdb_adapter/sql/statement_tree.h"
#include "duckdb_adapter/sql/tree_visitor.h"
#include "duckdb_adapter/values.h"

namespace smallpond {
namespace {

using duckdb::StatementType;

// Appends `from` to `to`, at the front where `first`.
template <class Vector>
void Splice(Vector& to, Vector from, bool first) {
  if (!first) std::swap(to, from);
  for (auto& element : to) from.push_back(std::move(element));
  to = std::move(from);
}

class FreeTableCollector : public TreeVisitor {
 public:
  std::vector<std::string> names;

 protected:
  void VisitFreeTable(duckdb::unique_ptr<duckdb::TableRef>& table) override {
    names.push_back(table->Cast<duckdb::BaseTableRef>().table_name);
  }
  void VisitShownTable(duckdb::ShowRef& show) override {
    names.push_back(Unquoted(show.table_name));
  }

 private:
  // DuckDB keeps the name of DESCRIBE "a b" with its quotes.
  static std::string Unquoted(const std::string& name) {
    return name.size() > 1 && name.front() == '"' && name.back() == '"'
               ? name.substr(1, name.size() - 2)
               : name;
  }
};

class TableReplacer : public TreeVisitor {
 public:
  using Replacement = std::function<std::optional<Statement>(const std::string&)>;
  TableReplacer(const Replacement& replacement, Statement::Tree& tree)
      : replacement_(replacement), tree_(tree) {}

  /// Collected here, since the tree's own list is being visited.
  duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>> preparation;

 protected:
  void VisitFreeTable(duckdb::unique_ptr<duckdb::TableRef>& table) override {
    auto& base = table->Cast<duckdb::BaseTableRef>();
    auto query = replacement_(base.table_name);
    if (!query) return;
    if (base.at_clause) {
      throw Error(ErrorKind::kInvalidInput,
                  "AT asks for another version of '" + base.table_name +
                      "', which is a frame and has one only. Leave AT out.");
    }
    auto alias = base.alias.empty() ? base.table_name : base.alias;
    auto select =
        duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(TakeParts(*query));
    auto subquery = duckdb::make_uniq<duckdb::SubqueryRef>(std::move(select), alias);
    subquery->column_name_alias = std::move(base.column_name_alias);
    subquery->sample = std::move(base.sample);
    table = std::move(subquery);
  }
  void VisitShownTable(duckdb::ShowRef& show) override {
    std::string name = show.table_name;
    if (name.size() > 1 && name.front() == '"') name = name.substr(1, name.size() - 2);
    auto query = replacement_(name);
    if (!query) return;
    show.query = std::move(TakeParts(*query)->Cast<duckdb::SelectStatement>().node);
    show.table_name.clear();
  }

 private:
  duckdb::unique_ptr<duckdb::SQLStatement> TakeParts(Statement& query) {
    Splice(preparation, std::move(query.tree().preparation), false);
    for (auto& marker : query.tree().markers) tree_.markers.push_back(marker);
    return std::move(query.tree().main);
  }

  const Replacement& replacement_;
  Statement::Tree& tree_;
};

class TableLocator : public TreeVisitor {
 public:
  explicit TableLocator(const std::map<std::string, TableLocation>& locations)
      : locations_(locations) {}

 protected:
  void VisitFreeTable(duckdb::unique_ptr<duckdb::TableRef>& table) override {
    auto& base = table->Cast<duckdb::BaseTableRef>();
    auto found = locations_.find(base.table_name);
    if (found == locations_.end() || !base.schema_name.empty()) return;
    base.catalog_name = found->second.catalog;
    base.schema_name = found->second.schema;
  }

 private:
  const std::map<std::string, TableLocation>& locations_;
};

// Says that functions are DuckDB's own. A macro of the same name stands before them otherwise, also
// one that is called "%" or "||".
class FunctionLocator : public TreeVisitor {
 protected:
  void VisitFreeTable(duckdb::unique_ptr<duckdb::TableRef>&) override {}
  void VisitFunction(duckdb::ParsedExpression& expression) override {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::WINDOW) {
      auto& window = expression.Cast<duckdb::WindowExpression>();
      window.catalog = SYSTEM_CATALOG;
      window.schema = DEFAULT_SCHEMA;
    } else {
      auto& function = expression.Cast<duckdb::FunctionExpression>();
      function.catalog = SYSTEM_CATALOG;
      function.schema = DEFAULT_SCHEMA;
    }
  }
};

class ParameterBinder : public TreeVisitor {
 public:
  ParameterBinder(const std::vector<Value>& positional, const std::map<std::string, Value>& named)
      : positional_(positional), named_(named) {}

  std::set<std::string> used;  // Names as the caller gave them, and numbers.

 protected:
  void VisitFreeTable(duckdb::unique_ptr<duckdb::TableRef>&) override {}
  void VisitParameter(duckdb::unique_ptr<duckdb::ParsedExpression>& expression) override {
    std::string name = expression->Cast<duckdb::ParameterExpression>().identifier;
    auto constant = duckdb::make_uniq<duckdb::ConstantExpression>(ToDuckDB(Find(name)));
    constant->SetAlias(expression->GetAlias());
    expression = std::move(constant);
  }

 private:
  // Ignores letter case, as DuckDB does.
  const Value& Find(const std::string& name) {
    for (const auto& [given, value] : named_) {
      if (!duckdb::StringUtil::CIEquals(given, name)) continue;
      used.insert(given);
      return value;
    }
    used.insert(name);
    char* end = nullptr;
    size_t number = std::strtoul(name.c_str(), &end, 10);
    if (*end == '\0' && number >= 1 && number <= positional_.size()) return positional_[number - 1];
    throw Error(ErrorKind::kInvalidInput,
                "Parameter $" + name + " has no value; params holds " +
                    std::to_string(positional_.size() + named_.size()) +
                    ". Give params a list for ? and $1, or a dict for $name.");
  }

  const std::vector<Value>& positional_;
  const std::map<std::string, Value>& named_;
};

}  // namespace

Statement::Statement(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

Statement Statement::Parse(const std::string& sql) {
  Statement statement(ParseTree(sql, duckdb::ParserOptions()));
  statement.ForgetText();
  FunctionLocator locator;
  for (auto& step : statement.tree_->preparation) locator.VisitStatement(*step);
  locator.VisitStatement(*statement.tree_->main);
  return statement;
}

Statement Statement::ParseQuery(const std::string& sql) {
  return ParseQueryBy(sql, duckdb::ParserOptions());
}

Statement Statement::NoRows(const Schema& schema) {
  duckdb::vector<std::string> names;
  for (const auto& column : schema.columns()) names.push_back(column.name);
  duckdb::QueryResult::DeduplicateColumns(names);  // As a subquery's columns are.
  auto tree = std::make_unique<Tree>();
  tree->markers.push_back(std::make_shared<duckdb::ColumnDataCollection>(
      duckdb::Allocator::DefaultAllocator(), schema.types().list));
  auto table = duckdb::make_uniq<duckdb::ColumnDataRef>(
      duckdb::optionally_owned_ptr<duckdb::ColumnDataCollection>(tree->markers[0].get()),
      std::move(names));
  table->alias = "no_rows";  // DuckDB resolves * through the alias.
  tree->main = SelectAllFrom(std::move(table));
  return Statement(std::move(tree));
}

Statement Statement::FromTree(std::unique_ptr<Tree> tree) { return Statement(std::move(tree)); }

Statement Statement::Copy() const {
  auto copy = std::make_unique<Tree>();
  for (const auto& statement : tree_->preparation) copy->preparation.push_back(statement->Copy());
  copy->main = tree_->main->Copy();
  copy->markers = tree_->markers;
  return Statement(std::move(copy));
}

void Statement::BindParameters(const std::vector<Value>& positional,
                               const std::map<std::string, Value>& named) {
  ParameterBinder binder(positional, named);
  TranslatingErrors([&] {
    for (auto& statement : tree_->preparation) binder.VisitStatement(*statement);
    binder.VisitStatement(*tree_->main);
  });
  tree_->main->named_param_map.clear();
  for (size_t i = 1; i <= positional.size(); ++i) {
    if (!binder.used.count(std::to_string(i))) {
      throw Error(ErrorKind::kInvalidInput, "params holds " + std::to_string(positional.size()) +
                                                " values, but the query has no parameter $" +
                                                std::to_string(i) + ".");
    }
  }
  for (const auto& [name, value] : named) {
    if (!binder.used.count(name)) {
      throw Error(ErrorKind::kInvalidInput,
                  "params names '" + name + "', but the query has no parameter $" + name + ".");
    }
  }
}

std::vector<std::string> Statement::FreeTableNames() const {
  FreeTableCollector collector;
  for (auto& statement : tree_->preparation) collector.VisitStatement(*statement);
  collector.VisitStatement(*tree_->main);
  return std::move(collector.names);
}

void Statement::ReplaceTables(
    const std::function<std::optional<Statement>(const std::string&)>& replacement) {
  TableReplacer replacer(replacement, *tree_);
  for (auto& statement : tree_->preparation) replacer.VisitStatement(*statement);
  replacer.VisitStatement(*tree_->main);
  Splice(tree_->preparation, std::move(replacer.preparation), true);
}

void Statement::LocateTables(const std::map<std::string, TableLocation>& locations) {
  TableLocator locator(locations);
  for (auto& statement : tree_->preparation) locator.VisitStatement(*statement);
  locator.VisitStatement(*tree_->main);
}

void Statement::AddCommonTable(const std::string& name, Statement query, bool once) {
  auto add = [&](duckdb::SQLStatement& statement,
                 duckdb::unique_ptr<duckdb::SelectStatement> select) {
    duckdb::QueryNode* node = nullptr;
    if (statement.type == StatementType::SELECT_STATEMENT) {
      node = statement.Cast<duckdb::SelectStatement>().node.get();
    } else if (statement.type == StatementType::COPY_STATEMENT) {
      node = statement.Cast<duckdb::CopyStatement>().info->select_statement.get();
    } else if (statement.type == StatementType::CREATE_STATEMENT) {
      auto& info = *statement.Cast<duckdb::CreateStatement>().info;
      bool is_type = info.type == duckdb::CatalogType::TYPE_ENTRY;
      node = is_type ? info.Cast<duckdb::CreateTypeInfo>()
                           .query->Cast<duckdb::SelectStatement>()
                           .node.get()
                     : info.Cast<duckdb::CreateTableInfo>().query->node.get();
    } else {
      throw Error(ErrorKind::kInternal, "AddCommonTable: the statement has no query.");
    }
    auto info = duckdb::make_uniq<duckdb::CommonTableExpressionInfo>();
    info->query = std::move(select);
    if (once) info->materialized = duckdb::CTEMaterialize::CTE_MATERIALIZE_ALWAYS;
    duckdb::CommonTableExpressionMap extended;
    extended.map.insert(name, std::move(info));
    for (auto& [other, definition] : node->cte_map.map)
      extended.map.insert(other, std::move(definition));
    node->cte_map = std::move(extended);
  };
  for (auto& statement : tree_->preparation) {
    add(*statement, duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(
                        query.tree().main->Copy()));
  }
  Splice(tree_->preparation, std::move(query.tree().preparation), true);
  for (auto& marker : query.tree().markers) tree_->markers.push_back(marker);
  add(*tree_->main, duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(
                        std::move(query.tree().main)));
}

void Statement::ForgetText() { tree_->main->query.clear(); }

bool Statement::NeedsPreparation() const { return !tree_->preparation.empty(); }

std::string Statement::ToSql() const { return tree_->main->ToString(); }

Statement SqlOver(const std::string& sql, const Statement& query) {
  Statement statement = Statement::Parse(sql);
  statement.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
    if (name != "{0}") return std::nullopt;
    return query.Copy();
  });
  return statement;
}

Statement SortedBy(const std::string& sort_list, const Statement& query) {
  if (sort_list.empty()) return query.Copy();
  return SqlOver("SELECT * FROM \"{0}\" ORDER BY " + sort_list, query);
}

}  // namespace smallpond
