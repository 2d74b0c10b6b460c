#include "base/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>
#include "base/nearest_name.h"
#include "base/secret_values.h"
#include "base/text.h"

namespace smallpond {
namespace {

// A credential in a text, without its quotes.
struct Range {
  size_t begin;
  size_t end;
};

constexpr size_t kShortestBearerToken = 8;

// What names of credentials end in, in small letters and without _ and -.
constexpr std::array<std::string_view, 20> kNamesOfSecrets = {"password",
                                                              "passwd",
                                                              "passphrase",
                                                              "secret",
                                                              "token",
                                                              "secretkey",
                                                              "accesskey",
                                                              "accountkey",
                                                              "apikey",
                                                              "privatekey",
                                                              "masterkey",
                                                              "encryptionkey",
                                                              "signature",
                                                              "credential",
                                                              "authorization",
                                                              "keyvalue",
                                                              "connectionstring",
                                                              "connectionparameters",
                                                              "accesssignature",
                                                              "pwd"};

// Names of credentials among the parameters of a URL, where shorter ones are usual.
constexpr std::array<std::string_view, 8> kNamesInUrls = {
    "auth", "authkey", "code", "jwt", "key", "pass", "sas", "subscriptionkey"};

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

bool IsNamePart(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

bool IsQuote(char c) { return c == '\'' || c == '"'; }

// "S3_secret-KEY" → "s3secretkey".
std::string Normalize(std::string_view name) {
  std::string normal = Lower(name);
  std::erase_if(normal, [](char c) { return c == '_' || c == '-'; });
  return normal;
}

bool NamesSecret(const std::string& name) {
  if (name == "sig") return true;
  return std::any_of(kNamesOfSecrets.begin(), kNamesOfSecrets.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

// Whether a name may be that of a credential, misspelt.
bool ResemblesSecret(const std::string& name) {
  return std::any_of(kNamesOfSecrets.begin(), kNamesOfSecrets.end(), [&](std::string_view ending) {
    for (size_t size = ending.size() - 1; size <= ending.size() + 1; ++size) {
      std::string tail = name.substr(name.size() - std::min(name.size(), size));
      if (!NearestName(tail, {std::string(ending)}).empty()) return true;
    }
    return false;
  });
}

// The length of a mark such as $$ or $tag$ at `i`, which begins or ends a string in SQL; 0 for
// none.
size_t DollarMark(std::string_view text, size_t i) {
  if (i >= text.size() || text[i] != '$') return 0;
  size_t end = i + 1;
  while (end < text.size() && IsNamePart(text[end]) && text[end] != '-') ++end;
  bool is_parameter = std::isdigit(static_cast<unsigned char>(text[i + 1 < end ? i + 1 : i])) != 0;
  return end < text.size() && text[end] == '$' && !is_parameter ? end + 1 - i : 0;
}

// Where the comment at `i` ends, `i` where there is none. Those in /* */ may hold others.
size_t EndOfComment(std::string_view sql, size_t i) {
  if (sql.compare(i, 2, "--") == 0) return std::min(sql.find('\n', i), sql.size());
  if (sql.compare(i, 2, "/*") != 0) return i;
  int depth = 0;
  for (; i < sql.size(); ++i) {
    if (sql.compare(i, 2, "/*") == 0) {
      ++depth;
      ++i;
    } else if (sql.compare(i, 2, "*/") == 0) {
      ++i;
      if (--depth == 0) return i + 1;
    }
  }
  return i;
}

// SQL with blanks for its comments, so that positions stay what they are.
std::string BlankComments(std::string sql) {
  for (size_t i = 0; i < sql.size(); ++i) {
    size_t mark = IsQuote(sql[i]) ? 1 : DollarMark(sql, i);
    if (mark > 0) {
      size_t end = sql.find(sql.substr(i, mark), i + mark);
      if (end == std::string::npos) return sql;
      i = end + mark - 1;
    } else {
      size_t end = EndOfComment(sql, i);
      std::fill(sql.begin() + static_cast<std::ptrdiff_t>(i),
                sql.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    }
  }
  return sql;
}

class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  std::vector<Range> Find(bool is_sql) {
    for (size_t i = 0; i < text_.size(); ++i) {
      if (Has(i, "://")) FindInUrl(i + 3);
      bool begins_name = IsNamePart(text_[i]) && (i == 0 || !IsNamePart(text_[i - 1]));
      if (begins_name) FindAfterName(i, is_sql);
    }
    return std::move(found_);
  }

 private:
  bool Has(size_t i, std::string_view part) const {
    return text_.compare(i, part.size(), part) == 0;
  }
  size_t SkipSpaces(size_t i) const {
    while (i < text_.size() && IsSpace(text_[i])) ++i;
    return i;
  }
  // The end of a word that blanks and quotes delimit.
  size_t EndOfWord(size_t i) const {
    while (i < text_.size() && !IsSpace(text_[i]) && !IsQuote(text_[i])) ++i;
    return i;
  }
  void Add(Range range) {
    if (range.begin < range.end) found_.push_back(range);
  }

  // scheme://user:PASSWORD@host. A password may hold what has to be escaped in a URL and was not.
  void FindInUrl(size_t begin) {
    if (begin >= end_of_url_) {  // Else it is a part of the word of the one before.
      end_of_url_ = EndOfWord(begin);
      FindInParameters(begin, end_of_url_);
    }
    std::string_view url = text_.substr(begin, end_of_url_ - begin);
    url = url.substr(0, url.find('?'));
    size_t at = url.rfind('@');
    size_t colon = url.find(':');
    if (at != std::string_view::npos && colon < at) Add({begin + colon + 1, begin + at});
    // https://TOKEN@host, where other schemes have a user.
    std::string_view host = url.substr(0, url.find('/'));
    at = host.rfind('@');
    bool is_http =
        Lower(text_.substr(begin < 8 ? 0 : begin - 8, 8)).find("http") != std::string::npos;
    if (is_http && at != std::string_view::npos && colon > at) Add({begin, begin + at});
  }

  // …?auth=TOKEN&key=KEY
  void FindInParameters(size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      if (text_[i] != '?' && text_[i] != '&' && text_[i] != ';') continue;  // "&amp;" in XML.
      size_t equals = i + 1;
      while (equals < end && IsNamePart(text_[equals])) ++equals;
      std::string name = Normalize(text_.substr(i + 1, equals - i - 1));
      bool is_secret =
          std::find(kNamesInUrls.begin(), kNamesInUrls.end(), name) != kNamesInUrls.end();
      if (!is_secret || equals >= end || text_[equals] != '=') continue;
      size_t value = equals + 1;
      Add(IsQuoteAt(value) ? Quoted(value) : Range{value, EndOfBare(value, false)});
    }
  }

  void FindAfterName(size_t begin, bool is_sql) {
    size_t end = begin;
    while (end < text_.size() && IsNamePart(text_[end])) ++end;
    std::string name = Normalize(text_.substr(begin, end - begin));
    if (name == "bearer") return FindBearerToken(end);
    // DuckDB's 'No key with name "…" exists', where somebody gave the key instead.
    if (name == "key" && Has(end, " with name \"")) return Add(Quoted(end + 11));
    if (name == "addparquetkey") return FindStrings(end, ')');  // PRAGMA …('name', 'key')
    if (is_sql && name == "secret" && Follows("create", begin)) return FindStrings(end, ';');
    bool is_misspelt = is_sql && (Follows("set", begin) || Follows("pragma", begin));
    bool is_key = name == "key" && OpensEncryption(begin);  // DuckDB wants "footer_key_value".
    if (NamesSecret(name) || is_key || (is_misspelt && ResemblesSecret(name)))
      FindValue(begin, end, name);
  }

  // ENCRYPTION_CONFIG {name: …, and as Python writes it: encryption_config={'name': …
  bool OpensEncryption(size_t name) const {
    size_t end = text_.find_last_not_of(" '\"{(=:", name == 0 ? 0 : name - 1);
    if (end == std::string_view::npos) return false;
    std::string_view before = text_.substr(0, end + 1);
    constexpr std::string_view kOption = "encryption_config";
    return before.size() >= kOption.size() &&
           Lower(before.substr(before.size() - kOption.size())) == kOption;
  }

  void FindBearerToken(size_t end) {
    size_t begin = SkipSpaces(end);
    size_t stop = EndOfWord(begin);
    if (begin > end && stop - begin >= kShortestBearerToken) Add({begin, stop});
  }

  // CREATE OR REPLACE TEMPORARY SECRET, SET GLOBAL name
  bool Follows(std::string_view word, size_t position) const {
    for (int words = 0; words < 4; ++words) {
      while (position > 0 && IsSpace(text_[position - 1])) --position;
      size_t end = position;
      while (position > 0 && IsNamePart(text_[position - 1])) --position;
      if (Lower(text_.substr(position, end - position)) == word) return true;
    }
    return false;
  }

  void FindStrings(size_t i, char last) {
    while (i < text_.size() && text_[i] != last) {
      size_t mark = text_[i] == '\'' ? 1 : DollarMark(text_, i);
      if (mark == 0) {
        ++i;
        continue;
      }
      Range value = Quoted(i);
      Add(value);
      i = value.end + mark;
    }
  }

  bool IsQuoteAt(size_t i) const {
    while (i < text_.size() && text_[i] == '\\') ++i;
    return i < text_.size() && (IsQuote(text_[i]) || DollarMark(text_, i) > 0);
  }

  // What a quote at `i` begins, up to the same quote. In a SQL string quotes are doubled, in JSON
  // and Python's repr they may have a backslash.
  Range Quoted(size_t i) const {
    if (size_t size = DollarMark(text_, i)) {
      size_t end = text_.find(text_.substr(i, size), i + size);
      return {i + size, std::min(end, text_.size())};
    }
    size_t begin = i;
    while (text_[begin] == '\\') ++begin;
    char quote = text_[begin++];
    bool is_doubled =
        begin + 1 < text_.size() && text_[begin] == quote && !EndsValue(text_[begin + 1]);
    if (is_doubled) ++begin;
    std::string_view mark = text_.substr(i, begin - i);
    size_t end = text_.find(mark, begin);
    while (mark.size() == 1 && end != std::string_view::npos && end + 1 < text_.size() &&
           text_[end + 1] == quote) {
      end = text_.find(mark, end + 2);  // '' in '…' is a part of it.
    }
    return {begin, std::min(end, text_.size())};
  }

  static bool EndsValue(char c) {
    return IsSpace(c) || std::string_view("&;,)}]>\\").find(c) != std::string_view::npos;
  }

  void FindValue(size_t begin, size_t end, const std::string& name) {
    char quote = begin > 0 && IsQuote(text_[begin - 1]) ? text_[begin - 1] : '"';
    while (end < text_.size() && (text_[end] == '\\' || text_[end] == quote)) ++end;
    size_t mark = SkipSpaces(end);
    size_t length = Has(mark, ":=") || Has(mark, "=>")      ? 2
                    : Has(mark, "=") || Has(mark, ":")      ? 1
                    : Lower(text_.substr(mark, 3)) == "to " ? 3
                                                            : 0;
    size_t value = SkipSpaces(mark + length);
    if (value >= text_.size()) return;
    if (IsQuoteAt(value)) {
      // SECRET 'x' is an option among others; in prose it is the name of a secret.
      bool is_option = mark > end && (name != "secret" || IsAmongOptions(begin));
      if (length > 0 || is_option) Add(Quoted(value));
      return;
    }
    bool is_header = name == "authorization";
    bool is_prose = length == 0 || (Has(mark, ":") && length == 1 && !is_header);
    if (!is_prose) Add({value, EndOfBare(value, is_header)});
  }

  bool IsAmongOptions(size_t begin) const {
    while (begin > 0 && IsSpace(text_[begin - 1])) --begin;
    return begin > 0 && (text_[begin - 1] == ',' || text_[begin - 1] == '(');
  }

  size_t EndOfBare(size_t i, bool is_line) const {
    while (i < text_.size() && !IsQuote(text_[i]) && text_[i] != '\n') {
      if (!is_line && EndsValue(text_[i])) break;
      ++i;
    }
    return i;
  }

  const std::string_view text_;
  size_t end_of_url_ = 0;  // Of the word that holds the last one.
  std::vector<Range> found_;
};

// The credentials in a text, in order and apart from each other. In SQL a comment may stand between
// a name and its value, and hold credentials as well.
std::vector<Range> FindSecrets(const std::string& text, bool is_sql) {
  std::vector<Range> found = Finder(text).Find(is_sql);
  if (is_sql) {
    std::string code = BlankComments(text);
    auto further = Finder(code).Find(true);
    found.insert(found.end(), further.begin(), further.end());
  }
  std::sort(found.begin(), found.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::vector<Range> apart;
  for (const auto& range : found) {
    if (apart.empty() || range.begin >= apart.back().end) {
      apart.push_back(range);
    } else {
      apart.back().end = std::max(apart.back().end, range.end);
    }
  }
  return apart;
}

std::string Replace(const std::string& text, const std::vector<Range>& ranges, bool keeps_length) {
  std::string out;
  size_t position = 0;
  for (const auto& range : ranges) {
    out += text.substr(position, range.begin - position);
    out += keeps_length ? std::string(range.end - range.begin, '*') : "***";
    position = range.end;
  }
  return out + text.substr(position);
}

}  // namespace

std::string WithoutSecrets(const std::string& text) {
  return Replace(text, FindSecrets(text, false), false);
}

std::string MaskSecrets(const std::string& sql) {
  return Replace(sql, FindSecrets(sql, true), true);
}

std::string WithoutSecretsOf(const std::string& sql, std::string message) {
  std::set<std::string> values;
  for (const auto& range : FindSecrets(sql, true))
    values.insert(sql.substr(range.begin, range.end - range.begin));
  return WithoutValues(values, std::move(message));
}

bool NamesCredential(std::string_view name) { return NamesSecret(Normalize(name)); }

}  // namespace smallpond
