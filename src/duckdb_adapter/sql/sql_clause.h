#pragma once

#include <string>

namespace smallpond {

/// A part of a query that a user writes as text of its own.
enum class SqlClause {
  kExpressions,  ///< "a, b + 1 AS c"
  kCondition,    ///< "a > 1"
  kOrder,        ///< "a, b DESC"
};

/// Returns the query over the table "{0}" that has `text` for this clause. Throws InvalidInput
/// where DuckDB's parser finds more in it than the clause, such as "a) LIMIT (5" for a condition.
/// A text that doesn't parse is left to who parses the query. `method` is for the message.
std::string QueryOfClause(SqlClause clause, const std::string& text, const std::string& method);

}  // namespace smallpond
