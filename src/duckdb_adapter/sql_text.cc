#include "duckdb_adapter/sql_text.h"

#include <algorithm>
#include <cctype>

#include "duckdb_adapter/errors.h"

namespace smallpond {
namespace {

using duckdb::SimplifiedTokenType;

// A stretch of the query.
struct Piece {
  bool is_code;  // Neither a string, a quoted name nor a comment.
  std::string text;
};

// Returns where the comment that begins at code[begin] ends; `begin` where none does.
size_t EndOfComment(const std::string& code, size_t begin) {
  if (code.compare(begin, 2, "--") == 0) return std::min(code.find('\n', begin), code.size());
  if (code.compare(begin, 2, "/*") != 0) return begin;
  size_t end = begin + 2;
  for (int depth = 1; depth > 0 && end < code.size(); ++end) {
    bool opens = code.compare(end, 2, "/*") == 0;
    if (!opens && code.compare(end, 2, "*/") != 0) continue;
    depth += opens ? 1 : -1;
    ++end;
  }
  return end;
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

// Appends code that has no strings and no quoted names in it. What is neighbouring becomes one
// piece, since the lexer splits "{0}" into three tokens.
void AppendCode(const std::string& code, const std::vector<std::string>& named,
                std::vector<Piece>& pieces) {
  for (size_t i = 0; i < code.size();) {
    // A name may hold what begins a comment elsewhere.
    size_t placeholder = code[i] == '{' ? PlaceholderLength(code, i, named) : 0;
    size_t end = placeholder > 0 ? i + placeholder : EndOfComment(code, i);
    bool is_code = placeholder > 0 || end == i;
    if (end == i) ++end;
    if (pieces.empty() || pieces.back().is_code != is_code) pieces.push_back({is_code, ""});
    pieces.back().text += code.substr(i, end - i);
    i = end;
  }
}

// DuckDB's lexer says where each token begins and skips comments, so that a token is followed by
// blanks and comments up to the next one.
std::vector<Piece> SplitIntoPieces(const std::string& query,
                                   const std::vector<std::string>& named) {
  auto tokens = duckdb::Parser::Tokenize(query);
  std::vector<Piece> pieces;
  std::string code;
  size_t position = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    size_t begin = tokens[i].start;
    bool is_code = tokens[i].type != SimplifiedTokenType::SIMPLIFIED_TOKEN_STRING_CONSTANT &&
                   query[begin] != '"';
    if (is_code) continue;
    AppendCode(query.substr(position, begin - position), named, pieces);
    position = i + 1 < tokens.size() ? tokens[i + 1].start : query.size();
    pieces.push_back({false, query.substr(begin, position - begin)});
  }
  AppendCode(query.substr(position), named, pieces);
  return pieces;
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

std::string QuoteInPieces(const std::vector<Piece>& pieces, const std::vector<std::string>& named,
                          bool doubled) {
  std::string out;
  for (const auto& piece : pieces)
    out += piece.is_code ? QuoteInCode(piece.text, named, doubled) : piece.text;
  return out;
}

bool Parses(const std::string& query) {
  try {
    duckdb::Parser().ParseQuery(query);
    return true;
  } catch (const std::exception&) {
    return false;
  }
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
  auto pieces = TranslatingErrors([&] { return SplitIntoPieces(query, named); });
  std::string quoted = QuoteInPieces(pieces, named, false);
  // Only a MAP with a struct for its first key has "{{" in DuckDB's SQL. Anywhere else it tells
  // that the whole query was written for str.format.
  bool has_doubled = std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return piece.is_code && piece.text.find("{{") != std::string::npos;
  });
  return !has_doubled || Parses(quoted) ? quoted : QuoteInPieces(pieces, named, true);
}

}  // namespace smallpond
