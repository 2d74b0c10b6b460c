#include "duckdb_adapter/sql/sql_text.h"

#include <algorithm>
#include <cctype>

#include "base/secrets.h"
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

// Removes the quotes of placeholders from a line. `caret`, if given, moves with what it points at.
std::string UnquoteLine(const std::string& line, size_t* caret) {
  std::string out;
  for (size_t i = 0; i < line.size();) {
    size_t end = line.compare(i, 2, "\"{") == 0 ? line.find('"', i + 1) : std::string::npos;
    if (end == std::string::npos || line[end - 1] != '}') {
      out += line[i++];
      continue;
    }
    out += line.substr(i + 1, end - i - 1);
    if (caret && *caret > i) *caret -= *caret >= end ? 2 : 1;
    i = end + 1;
  }
  return out;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines{""};
  for (char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

// Where `line` holds but one caret; npos where it does not.
size_t CaretColumn(const std::string& line) {
  size_t column = line.find_first_not_of(' ');
  return column != std::string::npos && line.substr(column) == "^" ? column : std::string::npos;
}

std::string UnquotePlaceholders(const std::string& message) {
  auto lines = Lines(message);
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    size_t caret = i + 1 < lines.size() ? CaretColumn(lines[i + 1]) : std::string::npos;
    bool has_caret = caret != std::string::npos;
    out += (i > 0 ? "\n" : "") + UnquoteLine(lines[i], has_caret ? &caret : nullptr);
    if (has_caret) lines[i + 1] = std::string(caret, ' ') + "^";
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
  auto pieces = TranslatingErrors([&] { return SplitIntoPieces(query, named); });
  std::string quoted = QuoteInPieces(pieces, named, false);
  // Only a MAP with a struct for its first key has "{{" in DuckDB's SQL. Anywhere else it tells
  // that the whole query was written for str.format.
  bool has_doubled = std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return piece.is_code && piece.text.find("{{") != std::string::npos;
  });
  return !has_doubled || Parses(quoted) ? quoted : QuoteInPieces(pieces, named, true);
}

std::string WithQuery(const std::string& message, const std::string& query) {
  std::string text = UnquotePlaceholders(WithoutSecretsOf(query, message));
  std::string shown = OneLine(MaskSecrets(query));
  bool is_shown = text.find("\nLINE ") != std::string::npos || shown.empty();
  return text + (is_shown ? "" : "\nIn the query: " + shown);
}

std::string WithArticle(const std::string& word) {
  bool is_vowel = !word.empty() && std::string("AEIOUaeiou").find(word[0]) != std::string::npos;
  return (is_vowel ? "an " : "a ") + word;
}

std::string PlaceholderAdvice(const std::string& query, const std::vector<std::string>& named) {
  auto pieces = TranslatingErrors([&] { return SplitIntoPieces(query, named); });
  for (const auto& piece : pieces) {
    for (size_t begin = piece.is_code ? piece.text.find('{') : std::string::npos;
         begin != std::string::npos; begin = piece.text.find('{', begin + 1)) {
      size_t end = piece.text.find('}', begin);
      if (end == std::string::npos) break;
      std::string inside = piece.text.substr(begin + 1, end - begin - 1);
      if (inside.empty())
        return "Inputs are numbered: write {0} for the first one, {1} for the next.";
      bool is_word = std::all_of(inside.begin(), inside.end(),
                                 [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
      if (is_word && PlaceholderLength(piece.text, begin, named) == 0) {
        return "No input is called " + inside + ". Give it: sql(…, " + inside + "=frame).";
      }
    }
  }
  return "";
}

std::string OneLine(const std::string& text) {
  constexpr size_t kMaxLength = 100;
  std::string line;
  for (char c : text) {
    bool is_space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!is_space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == ';')) line.pop_back();
  if (line.size() <= kMaxLength) return line;
  size_t end = kMaxLength;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80)
    --end;  // Not inside a UTF-8 character.
  return line.substr(0, end) + "…";
}

}  // namespace smallpond
