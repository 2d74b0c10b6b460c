#include "duckdb_adapter/sql_text.h"

#include <algorithm>
#include <cctype>

#include "duckdb_adapter/errors.h"

namespace smallpond {
namespace {

using duckdb::SimplifiedTokenType;

// A stretch of the query that DuckDB's lexer took for one token, with what follows it up to the
// next token.
struct Piece {
  bool is_code;  // Neither a string, a quoted name nor a comment.
  std::string text;
};

std::vector<Piece> SplitIntoTokens(const std::string& query) {
  auto tokens = duckdb::Parser::Tokenize(query);
  std::vector<Piece> pieces;
  size_t position = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    size_t begin = tokens[i].start;
    size_t end = i + 1 < tokens.size() ? tokens[i + 1].start : query.size();
    if (begin > position) pieces.push_back({true, query.substr(position, begin - position)});
    bool is_code = tokens[i].type != SimplifiedTokenType::SIMPLIFIED_TOKEN_STRING_CONSTANT &&
                   tokens[i].type != SimplifiedTokenType::SIMPLIFIED_TOKEN_COMMENT &&
                   query[begin] != '"';
    pieces.push_back({is_code, query.substr(begin, end - begin)});
    position = end;
  }
  if (position < query.size()) pieces.push_back({true, query.substr(position)});
  return pieces;
}

// The length of the placeholder that begins at code[begin], which is '{'; 0 where it is none.
size_t PlaceholderLength(const std::string& code, size_t begin,
                         const std::vector<std::string>& named) {
  size_t end = code.find('}', begin);
  if (end == std::string::npos) return 0;
  std::string inside = code.substr(begin + 1, end - begin - 1);
  bool is_number =
      !inside.empty() && std::all_of(inside.begin(), inside.end(),
                                     [](unsigned char c) { return std::isdigit(c) != 0; });
  bool is_named = std::find(named.begin(), named.end(), inside) != named.end();
  return is_number || is_named ? end - begin + 1 : 0;
}

std::string QuoteInCode(const std::string& code, const std::vector<std::string>& named,
                        bool doubled) {
  std::string out;
  for (size_t i = 0; i < code.size();) {
    size_t length = code[i] == '{' ? PlaceholderLength(code, i, named) : 0;
    if (length > 0) {
      out += QuoteName(code.substr(i, length));
      i += length;
    } else if (doubled && (code.compare(i, 2, "{{") == 0 || code.compare(i, 2, "}}") == 0)) {
      out += code[i];
      i += 2;
    } else {
      out += code[i++];
    }
  }
  return out;
}

}  // namespace

std::string QuoteName(const std::string& name) {
  std::string out = "\"";
  for (char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::string QuoteText(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string QuotePlaceholders(const std::string& query, const std::vector<std::string>& named) {
  if (query.find('{') == std::string::npos) return query;
  auto pieces = TranslatingErrors([&] { return SplitIntoTokens(query); });
  // The lexer splits "{0}" into three tokens: join neighbouring code first.
  std::vector<Piece> joined;
  for (auto& piece : pieces) {
    if (piece.is_code && !joined.empty() && joined.back().is_code) {
      joined.back().text += piece.text;
    } else {
      joined.push_back(std::move(piece));
    }
  }
  // "{{" is never valid in DuckDB's SQL, so it tells that the whole query was written for
  // str.format.
  bool doubled = std::any_of(joined.begin(), joined.end(), [](const Piece& piece) {
    return piece.is_code && piece.text.find("{{") != std::string::npos;
  });
  std::string out;
  for (const auto& piece : joined)
    out += piece.is_code ? QuoteInCode(piece.text, named, doubled) : piece.text;
  return out;
}

}  // namespace smallpond
