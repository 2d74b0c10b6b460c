#include "base/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>
#include "base/text.h"

namespace smallpond {
namespace {

// A credential in a text, without its quotes.
struct Range {
  size_t begin;
  size_t end;
};

constexpr size_t kShortestRepeatedValue = 3;  // Of shorter ones every text is full.
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

class Finder {
 public:
  explicit Finder(std::string_view text) : text_(text) {}

  std::vector<Range> Find(bool is_sql) {
    for (size_t i = 0; i < text_.size(); ++i) {
      if (Has(i, "://")) FindInUrl(i + 3);
      bool begins_name = IsNamePart(text_[i]) && (i == 0 || !IsNamePart(text_[i - 1]));
      if (begins_name) FindAfterName(i, is_sql);
    }
    std::sort(found_.begin(), found_.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
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
    std::string_view url = text_.substr(begin, EndOfWord(begin) - begin);
    url = url.substr(0, url.find('?'));
    size_t at = url.rfind('@');
    size_t colon = url.find(':');
    if (at != std::string_view::npos && colon < at) Add({begin + colon + 1, begin + at});
  }

  void FindAfterName(size_t begin, bool is_sql) {
    size_t end = begin;
    while (end < text_.size() && IsNamePart(text_[end])) ++end;
    std::string name = Normalize(text_.substr(begin, end - begin));
    if (name == "bearer") return FindBearerToken(end);
    if (name == "addparquetkey") return FindStrings(end, ')');  // PRAGMA …('name', 'key')
    if (is_sql && name == "secret" && FollowsCreate(begin)) return FindStrings(end, ';');
    if (NamesSecret(name)) FindValue(begin, end, name);
  }

  void FindBearerToken(size_t end) {
    size_t begin = SkipSpaces(end);
    size_t stop = EndOfWord(begin);
    if (begin > end && stop - begin >= kShortestBearerToken) Add({begin, stop});
  }

  // CREATE OR REPLACE TEMPORARY SECRET
  bool FollowsCreate(size_t position) const {
    for (int words = 0; words < 4; ++words) {
      while (position > 0 && IsSpace(text_[position - 1])) --position;
      size_t end = position;
      while (position > 0 && IsNamePart(text_[position - 1])) --position;
      if (Lower(text_.substr(position, end - position)) == "create") return true;
    }
    return false;
  }

  void FindStrings(size_t i, char last) {
    while (i < text_.size() && text_[i] != last) {
      if (text_[i] != '\'') {
        ++i;
        continue;
      }
      Range value = Quoted(i);
      Add(value);
      i = value.end + 1;
    }
  }

  bool IsQuoteAt(size_t i) const {
    while (i < text_.size() && text_[i] == '\\') ++i;
    return i < text_.size() && IsQuote(text_[i]);
  }

  // What a quote at `i` begins, up to the same quote. In a SQL string quotes are doubled, in JSON
  // and Python's repr they may have a backslash.
  Range Quoted(size_t i) const {
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
  std::vector<Range> found_;
};

std::string Replace(const std::string& text, const std::vector<Range>& ranges, bool keeps_length) {
  std::string out;
  size_t position = 0;
  for (const auto& range : ranges) {
    if (range.begin < position) continue;  // A part of the one before.
    out += text.substr(position, range.begin - position);
    out += keeps_length ? std::string(range.end - range.begin, '*') : "***";
    position = range.end;
  }
  return out + text.substr(position);
}

}  // namespace

std::string WithoutSecrets(const std::string& text) {
  return Replace(text, Finder(text).Find(false), false);
}

std::string MaskSecrets(const std::string& sql) {
  return Replace(sql, Finder(sql).Find(true), true);
}

std::string WithoutSecretsOf(const std::string& sql, std::string message) {
  for (const auto& range : Finder(sql).Find(true)) {
    std::string value = sql.substr(range.begin, range.end - range.begin);
    if (value.size() < kShortestRepeatedValue) continue;
    for (size_t at = message.find(value); at != std::string::npos; at = message.find(value, at + 3))
      message.replace(at, value.size(), "***");
  }
  return message;
}

}  // namespace smallpond
