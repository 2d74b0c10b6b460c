#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// What DuckDB calls a database that has no file, as the session's own.
inline constexpr const char* kOwnCatalog = "memory";

/// Walks a statement's tree in the order of the text and knows which CTEs are in scope.
class TreeVisitor {
 public:
  virtual ~TreeVisitor() = default;

  void VisitStatement(duckdb::SQLStatement& statement);

 protected:
  /// Called for a table name without a schema that no CTE in scope defines, and for one of the
  /// schema "main" of this database. May replace it; a replacement is not visited.
  virtual void VisitFreeTable(duckdb::unique_ptr<duckdb::TableRef>& table) = 0;
  /// Called for a table name with a schema or a catalog.
  virtual void VisitQualifiedTable(duckdb::BaseTableRef&) {}
  /// Called for a table function before its arguments are visited.
  virtual void VisitTableFunction(duckdb::FunctionExpression&) {}
  /// Called for DESCRIBE or SUMMARIZE of a bare table name, which has no TableRef of its own.
  virtual void VisitShownTable(duckdb::ShowRef&) {}
  virtual void VisitParameter(duckdb::unique_ptr<duckdb::ParsedExpression>&) {}
  /// Called for the call of a function or operator, before its arguments.
  virtual void VisitFunction(duckdb::ParsedExpression&) {}

 private:
  void VisitNode(duckdb::QueryNode& node);
  void VisitExpression(duckdb::unique_ptr<duckdb::ParsedExpression>& expression);
  /// A column without an alias keeps the name that DuckDB makes of its text, whatever is replaced
  /// in it: a parameter by its value, or a table of a subquery by what it stands for.
  void VisitSelectList(duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>>& expressions);
  void VisitModifiers(duckdb::QueryNode& node);
  void VisitTable(duckdb::unique_ptr<duckdb::TableRef>& table);
  void VisitPivot(duckdb::PivotRef& pivot);
  void VisitKey(duckdb::unique_ptr<duckdb::ParsedExpression>& key, const std::string& clause);
  void VisitExpressions(duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>>& expressions);
  bool InScope(const std::string& name) const;

  std::vector<std::string> scope_;  // Names of the CTEs in scope, innermost last.
};

}  // namespace smallpond
