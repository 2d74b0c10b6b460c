#pragma once

#include <memory>

#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

struct Statement::Tree {
  /// Statements to run first on the same connection: the enum types that a PIVOT without an IN list
  /// makes.
  duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>> preparation;
  duckdb::unique_ptr<duckdb::SQLStatement> main;
  /// Keeps the collections of NoRows statements alive, also when the tree becomes a part of
  /// another.
  duckdb::vector<std::shared_ptr<duckdb::ColumnDataCollection>> markers;
};

/// Parses statements. Throws InvalidInput with the line and the place of the mistake. Errors of the
/// statements, now and later, show no credential that stands in the text.
duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>> ParseStatements(
    const std::string& sql, const duckdb::ParserOptions& options);

/// Parses exactly one statement, with what it needs first. Throws as ParseStatements does, and
/// InvalidInput for none or several.
std::unique_ptr<Statement::Tree> ParseTree(const std::string& sql,
                                           const duckdb::ParserOptions& options);

/// Statement::ParseQuery by other options of the parser.
Statement ParseQueryBy(const std::string& sql, const duckdb::ParserOptions& options);

/// SELECT * FROM `table`.
duckdb::unique_ptr<duckdb::SelectStatement> SelectAllFrom(
    duckdb::unique_ptr<duckdb::TableRef> table);

}  // namespace smallpond
