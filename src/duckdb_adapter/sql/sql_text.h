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

/// Writes a message about a query that QuotePlaceholders made as one about the query that the user
/// gave: "{0}" becomes {0} again, and a caret below it stays below its word. Where DuckDB shows no
/// line, the query is added. Credentials that stand in the query are left out.
std::string WithQuery(const std::string& message, const std::string& query);

/// Returns a query's text on one line, cut where it gets long.
std::string OneLine(const std::string& text);

/// Returns "a WORD" or "an WORD", as it is spoken.
std::string WithArticle(const std::string& word);

/// Returns what to write instead of the first "{}" or "{name}" of a query that stands for no input;
/// empty where there is none. `named` are the inputs that have a name.
std::string PlaceholderAdvice(const std::string& query, const std::vector<std::string>& named);

}  // namespace smallpond
