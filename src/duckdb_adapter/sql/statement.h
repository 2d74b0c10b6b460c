#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "smallpond/value.h"

namespace smallpond {

class Schema;

/// Where a table of the session's catalog lies.
struct TableLocation {
  std::string catalog;
  std::string schema;
};

/// One parsed SQL statement, as DuckDB's parser made it. Inputs are put into the tree, not into the
/// text, so that scopes and quoting can't go wrong. Movable, and copied only on request.
class Statement {
 public:
  struct Tree;  // duckdb_adapter/sql/statement_tree.h

  /// Parses exactly one statement of any kind, which we wrote ourselves: errors show no text, no
  /// setting of a user changes what it means, and its functions and operators are DuckDB's own
  /// (system.main), whatever macros there are. `x[1]` finds a macro array_extract nevertheless:
  /// write substr and the like.
  static Statement Parse(const std::string& sql);
  /// Parses exactly one query: SELECT, FROM, VALUES, PIVOT, DESCRIBE, SUMMARIZE, SHOW, WITH. Throws
  /// Unsupported that says what to use instead for other statements. By DuckDB's default options;
  /// Connection::ParseQuery goes by a session's.
  static Statement ParseQuery(const std::string& sql);
  /// A query for a table of these columns without rows. The analysis tells several of them apart.
  static Statement NoRows(const Schema& schema);

  /// Takes over a tree that the adapter made.
  static Statement FromTree(std::unique_ptr<Tree> tree);

  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();
  Statement Copy() const;

  /// Puts constants for ?, $1 and $name. Throws InvalidInput where a parameter has no value or a
  /// value no parameter.
  void BindParameters(const std::vector<Value>& positional,
                      const std::map<std::string, Value>& named);

  /// Returns the table names without a schema, or with the schema "main", that no CTE of the
  /// statement defines, in order of appearance, as often as they appear, and without the schema.
  std::vector<std::string> FreeTableNames() const;

  /// Replaces each free table name for which `replacement` returns a query by that query, as a
  /// subquery of the same alias.
  void ReplaceTables(
      const std::function<std::optional<Statement>(const std::string& name)>& replacement);

  /// Writes out where each of these free tables lies, so that no CTE around this query, as a part
  /// of another, takes its name.
  void LocateTables(const std::map<std::string, TableLocation>& locations);

  /// Defines `name` by `query` before everything else in this query. It is computed once where
  /// DuckDB finds that cheaper, or always where `once`: two readings of it could differ.
  void AddCommonTable(const std::string& name, Statement query, bool once);

  /// Makes errors show no "LINE 1: …" any more. Called where parts of other texts were put in:
  /// their positions mean nothing in this one.
  void ForgetText();

  /// Whether a statement has to run on data before this one can be bound: PIVOT without an IN list.
  bool NeedsPreparation() const;

  /// The statement as SQL.
  std::string ToSql() const;

  const Tree& tree() const { return *tree_; }
  Tree& tree() { return *tree_; }

 private:
  explicit Statement(std::unique_ptr<Tree> tree);

  std::unique_ptr<Tree> tree_;
};

/// Returns `sql` with `query` for its table "{0}".
Statement SqlOver(const std::string& sql, const Statement& query);

/// Returns the query's rows sorted by what follows ORDER BY; as they are where that is empty.
Statement SortedBy(const std::string& sort_list, const Statement& query);

}  // namespace smallpond
