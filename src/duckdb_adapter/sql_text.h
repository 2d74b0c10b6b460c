#pragma once

#include <string>
#include <vector>

namespace smallpond {

/// Quotes `name` as a SQL identifier, whatever it holds.
std::string QuoteName(const std::string& name);

/// Quotes `text` as a SQL string constant.
std::string QuoteText(const std::string& text);

/// Turns the placeholders of a query into table names that SQL can parse: {0} becomes "{0}", and
/// {users} becomes "{users}" where `named` has users. Only outside strings, quoted names and
/// comments. A query that doubles its braces, as Python's str.format asks for, has them halved; all
/// other braces stay: they are DuckDB's structs.
std::string QuotePlaceholders(const std::string& query, const std::vector<std::string>& named);

}  // namespace smallpond
