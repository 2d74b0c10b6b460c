#include "write/format_options.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/checks.h"
#include "base/nearest_name.h"
#include "base/secrets.h"
#include "base/text.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

enum class Type { kFlag, kCount, kSize, kNumber, kText, kChoice, kColumns, kFields };

struct Option {
  std::string name;
  Type type = Type::kText;
  std::vector<std::string> aliases = {};  // DuckDB's other names for it.
  std::string plain = {};   // As SQL, the value that says what holds without the option.
  bool is_dialect = false;  // Whether readers have to know it.
  std::vector<std::string> choices = {};
  size_t max_bytes = 0;  // Of a text, which may be empty; 0: any.
};

const std::vector<Option>& OptionsOf(const std::string& format) {
  static const std::vector<Option> csv = {
      {"compression", Type::kText},
      {"header", Type::kFlag, {}, "true", true},
      // Of a longer one DuckDB writes the first byte only.
      {"delim", Type::kText, {"delimiter", "sep"}, "','", true, {}, 1},
      {"quote", Type::kText, {}, "'\"'", true, {}, 1},
      {"escape", Type::kText, {}, "'\"'", true, {}, 1},
      {"nullstr", Type::kText, {"null"}, "''", true},
      {"dateformat", Type::kText, {"date_format"}, "", true},
      {"timestampformat", Type::kText, {"timestamp_format"}, "", true},
      {"force_quote", Type::kColumns},
      {"prefix", Type::kText, {}, "''", true},
      {"suffix", Type::kText, {}, "''", true},
      {"new_line", Type::kChoice, {}, "", false, {"\n", "\r\n", "\\n", "\\r\\n"}}};
  static const std::vector<Option> json = {
      {"compression", Type::kText},
      {"array", Type::kFlag, {}, "false", true},
      {"dateformat", Type::kText, {"date_format"}, "", true},
      {"timestampformat", Type::kText, {"timestamp_format"}, "", true}};
  static const std::vector<Option> parquet = {
      {"compression", Type::kText, {"codec"}},
      {"compression_level", Type::kCount},
      {"row_group_size", Type::kCount, {"chunk_size"}},
      {"row_group_size_bytes", Type::kSize},
      {"parquet_version", Type::kChoice, {}, "", false, {"V1", "V2"}},
      {"field_ids", Type::kFields},
      {"kv_metadata", Type::kFields},
      {"string_dictionary_page_size_limit", Type::kSize},
      {"dictionary_size_limit", Type::kCount},
      {"dictionary_compression_ratio_threshold", Type::kNumber},
      {"bloom_filter_false_positive_ratio", Type::kNumber},
      {"write_bloom_filter", Type::kFlag},
      {"encryption_config", Type::kFields},
      {"geoparquet_version", Type::kChoice, {}, "", false, {"NONE", "V1", "V2", "BOTH"}},
      {"shredding", Type::kFields}};
  if (format == "csv") return csv;
  if (format == "json") return json;
  if (format == "parquet") return parquet;
  ThrowInvalid("The format must be 'csv', 'json' or 'parquet', not '" + format + "'.");
}

// Options of COPY by which files would be others than those that are committed, or that an argument
// of ours stands for.
const std::map<std::string, std::string>& RefusedOptions() {
  static const std::string names = "Files have names that no other write has; leave it out.";
  static const std::string shown = "The result of the write tells what was written; leave it out.";
  static const std::string modes = "Use mode=\"overwrite\", \"append\", \"error\" or \"ignore\".";
  static const std::map<std::string, std::string> refused = {
      {"per_thread_output", "For several files use repartition(n) before, or file_size=."},
      {"overwrite", modes},
      {"overwrite_or_ignore", modes},
      {"append", modes},
      {"use_tmp_file", "Files appear whole or not at all in any case; leave it out."},
      {"filename_pattern", names},
      {"file_extension", names},
      {"hive_file_pattern", "Keys of partition_by= lie in folders key=value; leave it out."},
      {"write_partition_columns",
       "Keys of partition_by= stand in the folders' names. To have one in the files too, select it "
       "twice under two names."},
      {"return_files", shown},
      {"return_stats", shown},
      {"write_empty_file", "A result without rows is one file, which tells the columns."},
      {"preserve_order", "Use sort_by=, or ORDER BY in the query."},
      {"row_groups_per_file", "Use file_size=."},
      {"file_size_bytes", "Use file_size=."},
      {"partition_by", "Use the argument partition_by=."},
      {"sort_by", "Use the argument sort_by=."},
      {"file_size", "Use the argument file_size=."},
      {"mode", "Use the argument mode=."},
      {"format", "Use write_csv, write_json or write_parquet."},
      {"encoding", "Text is written as UTF-8."}};
  return refused;
}

std::string Shown(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return "None";
    case Value::Kind::kBool:
      return value.bool_value() ? "True" : "False";
    case Value::Kind::kInt64:
      return std::to_string(value.int64_value());
    case Value::Kind::kDouble:
      return std::to_string(value.double_value());
    case Value::Kind::kList:
      return "a list";
    case Value::Kind::kStruct:
      return "a dict";
    default:
      return "'" + value.text().substr(0, 60) + "'";
  }
}

[[noreturn]] void ThrowValue(const Option& option, const Value& value, const std::string& needed) {
  ThrowInvalid(option.name + " must be " + needed + ", not " + Shown(value) + ".");
}

bool IsText(const Value& value) { return value.kind() == Value::Kind::kString; }

bool ReadFlag(const Option& option, const Value& value) {
  if (value.kind() == Value::Kind::kBool) return value.bool_value();
  bool is_bit = value.kind() == Value::Kind::kInt64 && (value.int64_value() | 1) == 1;
  std::string text = is_bit ? Shown(value) : IsText(value) ? Lower(value.text()) : "";
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  ThrowValue(option, value, "True or False");
}

int64_t ReadCount(const Option& option, const Value& value) {
  if (value.kind() == Value::Kind::kInt64) return value.int64_value();
  int64_t count = 0;
  const std::string& text = value.text();
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (!IsText(value) || error != std::errc() || end != text.data() + text.size() || text.empty())
    ThrowValue(option, value, "a whole number");
  return count;
}

std::string ReadSize(const Option& option, const Value& value) {
  uint64_t bytes = 0;
  if (IsText(value)) {
    bytes = ParseBytes(value.text(), option.name);
  } else {
    bytes = static_cast<uint64_t>(std::max<int64_t>(0, ReadCount(option, value)));
  }
  if (bytes < 1) ThrowValue(option, value, "at least 1 byte");
  return std::to_string(bytes);
}

std::string ReadNumber(const Option& option, const Value& value) {
  double number = value.kind() == Value::Kind::kInt64 ? static_cast<double>(value.int64_value())
                                                      : value.double_value();
  bool is_number = value.kind() == Value::Kind::kInt64 || value.kind() == Value::Kind::kDouble;
  if (!is_number || !(number >= 0 && number < 1e300)) ThrowValue(option, value, "a number");
  char text[64];
  std::snprintf(text, sizeof text, "%.17g", number);
  return text;
}

std::string ReadText(const Option& option, const Value& value) {
  if (!IsText(value)) ThrowValue(option, value, "text");
  // "\t" in two characters is a tab to DuckDB.
  size_t size = value.text() == "\\t" ? 1 : value.text().size();
  if (option.max_bytes > 0 && size > option.max_bytes) {
    ThrowValue(option, value, std::to_string(option.max_bytes) + " byte long");
  }
  if (option.name == "delim" && size == 0) ThrowValue(option, value, "1 byte long");
  return QuoteText(value.text());
}

std::string ReadChoice(const Option& option, const Value& value) {
  std::string known;
  for (const auto& choice : option.choices) {
    bool is_number = value.kind() == Value::Kind::kInt64;
    std::string given = is_number ? "v" + Shown(value) : value.text();
    if ((IsText(value) || is_number) && Lower(given) == Lower(choice)) return QuoteText(choice);
    if (choice[0] != '\n' && choice[0] != '\r')
      known += (known.empty() ? "'" : ", '") + choice + "'";
  }
  ThrowValue(option, value, "one of " + known);
}

std::string ReadColumns(const Option& option, const Value& value, const Schema& schema) {
  if (value.kind() == Value::Kind::kBool) return value.bool_value() ? "*" : "";
  if (IsText(value) && value.text() == "*") return "*";
  std::vector<Value> names = IsText(value) ? std::vector<Value>{value} : value.elements();
  if (!IsText(value) && value.kind() != Value::Kind::kList)
    ThrowValue(option, value, "a list of columns, or True for all");
  std::string list;
  for (const auto& name : names) {
    if (!IsText(name)) ThrowValue(option, name, "a list of columns' names");
    list += (list.empty() ? "(" : ", ") + QuotedColumn(schema, name.text(), option.name);
  }
  return list.empty() ? "" : list + ")";
}

constexpr int64_t kMaxId = std::numeric_limits<int32_t>::max();  // Of a field in Parquet.

std::string FieldSql(const Option& option, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool:
      return value.bool_value() ? "true" : "false";
    case Value::Kind::kInt64:
      // DuckDB gives up its database over one that is no field's.
      if (option.name == "field_ids" && (value.int64_value() < 0 || value.int64_value() > kMaxId))
        ThrowValue(option, value, "numbers from 0 to " + std::to_string(kMaxId));
      return std::to_string(value.int64_value());
    case Value::Kind::kString:
      return QuoteText(value.text());
    case Value::Kind::kStruct: {
      std::string fields;
      for (size_t i = 0; i < value.names().size(); ++i) {
        fields += (i ? ", " : "") + QuoteText(value.names()[i]) + ": " +
                  FieldSql(option, value.elements()[i]);
      }
      return "{" + fields + "}";
    }
    default:
      ThrowValue(option, value, "a dict of texts, whole numbers and dicts");
  }
}

// DuckDB gives up its database over a key that AES does not know.
void CheckKeyLength(const Value& config) {
  for (size_t i = 0; i < config.names().size(); ++i) {
    const Value& key = config.elements()[i];
    if (Lower(config.names()[i]) != "footer_key_value" || !IsText(key)) continue;
    size_t bytes = 0;
    for (size_t at = 0; at < key.text().size(); ++bytes) at += key.text()[at] == '\\' ? 4 : 1;
    if (bytes == 16 || bytes == 24 || bytes == 32) continue;
    ThrowInvalid("encryption_config has a footer_key_value of " + std::to_string(bytes) +
                 " bytes. Give one of 16, 24 or 32.");
  }
}

std::string ReadFields(const Option& option, const Value& value) {
  bool is_auto = option.name == "field_ids" && IsText(value) && Lower(value.text()) == "auto";
  if (is_auto) return "'auto'";
  if (value.kind() != Value::Kind::kStruct || value.names().empty())
    ThrowValue(option, value, "a dict with names as keys");
  if (option.name == "encryption_config") CheckKeyLength(value);
  return FieldSql(option, value);
}

// Returns the value as SQL. "" where the option is as if it were not given.
std::string ValueSql(const Option& option, const Value& value, const Schema& schema) {
  switch (option.type) {
    case Type::kFlag:
      return ReadFlag(option, value) ? "true" : "false";
    case Type::kCount:
      return std::to_string(ReadCount(option, value));
    case Type::kSize:
      return ReadSize(option, value);
    case Type::kNumber:
      return ReadNumber(option, value);
    case Type::kText:
      return ReadText(option, value);
    case Type::kChoice:
      return ReadChoice(option, value);
    case Type::kColumns:
      return ReadColumns(option, value, schema);
    case Type::kFields:
      return ReadFields(option, value);
  }
  return "";
}

const Option& FindOption(const std::string& format, const std::string& given) {
  std::string name = Lower(given);
  std::vector<std::string> names;
  for (const auto& option : OptionsOf(format)) {
    const auto& aliases = option.aliases;
    if (option.name == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end())
      return option;
    names.push_back(option.name);
  }
  auto refused = RefusedOptions().find(name);
  if (refused != RefusedOptions().end())
    ThrowInvalid("write_" + format + " does not take " + given + ". " + refused->second);
  std::string nearest = NearestName(name, names), known;
  for (const auto& option : names) known += (known.empty() ? "" : ", ") + option;
  ThrowInvalid("write_" + format + " has no option '" + given + "'. " +
               (nearest.empty() ? "" : "Did you mean '" + nearest + "'? ") + "It has " + known +
               ".");
}

using Values = std::map<std::string, std::string>;  // Options' names and values as SQL.

Values ReadValues(const std::string& format, const Schema& schema, const WriteOptions& write) {
  std::vector<std::pair<std::string, Value>> given = write.further;
  if (!write.compression.empty()) given.emplace_back("compression", write.compression);
  if (write.row_group_size) given.emplace_back("row_group_size", *write.row_group_size);
  Values values;
  for (const auto& [name, value] : given) {
    const Option& option = FindOption(format, name);
    std::string sql = ValueSql(option, value, schema);
    if (!values.emplace(option.name, sql).second)
      ThrowInvalid("The option '" + option.name + "' is given twice. Leave one of them out.");
  }
  return values;
}

std::string ReadCompression(const std::string& format, const std::string& quoted) {
  static const std::map<std::string, std::string> parquet = {
      {"snappy", "snappy"},     {"zstd", "zstd"},
      {"lz4", "lz4_raw"},       {"lz4_raw", "lz4_raw"},
      {"gzip", "gzip"},         {"brotli", "brotli"},
      {"none", "uncompressed"}, {"uncompressed", "uncompressed"}};
  static const std::map<std::string, std::string> text = {
      {"gzip", "gzip"}, {"zstd", "zstd"}, {"none", "none"}, {"uncompressed", "none"}};
  const auto& known = format == "parquet" ? parquet : text;
  std::string name = quoted.substr(1, quoted.size() - 2);
  if (name.empty()) return "";
  auto found = known.find(Lower(name));
  if (found != known.end()) return found->second;
  std::string names;
  for (const auto& [each, duckdb] : known) names += (names.empty() ? "'" : ", '") + each + "'";
  ThrowInvalid("compression='" + name + "' is not known for " + format + ". Known are " + names +
               ".");
}

void CheckTogether(const Values& values, const std::string& compression) {
  if (values.count("prefix") != values.count("suffix"))
    ThrowInvalid("prefix and suffix go together. Give both, or leave both out.");
  auto header = values.find("header");
  if (values.count("prefix") && header != values.end() && header->second == "true")
    ThrowInvalid("header=True does not go with prefix and suffix. Put the names into the prefix.");
  auto rows = values.find("row_group_size");
  if (rows != values.end() && (rows->second[0] == '-' || rows->second == "0"))
    ThrowInvalid("row_group_size must be at least 1, not " + rows->second + ".");
  auto level = values.find("compression_level");
  if (level == values.end()) return;
  if (compression != "zstd") {
    ThrowInvalid("compression_level is for compression=\"zstd\" only, and this is '" +
                 (compression.empty() ? "snappy" : compression) + "'.");
  }
  int64_t number = std::stoll(level->second);
  if (number < -131'072 || number > 22)
    ThrowInvalid("compression_level must be -131072 to 22, not " + level->second + ".");
}

}  // namespace

std::string QuotedColumn(const Schema& schema, const std::string& name,
                         const std::string& argument) {
  int position = schema.Find(name);
  if (position >= 0) return QuoteName(schema.columns()[position].name);
  std::vector<std::string> names;
  for (const auto& column : schema.columns()) names.push_back(column.name);
  std::string nearest = NearestName(name, names);
  ThrowInvalid(argument + " names the column '" + name + "', which does not exist." +
               (nearest.empty() ? "" : " Did you mean '" + nearest + "'?"));
}

FormatOptions ReadFormatOptions(const std::string& format, const Schema& schema,
                                const WriteOptions& options) {
  Values values = ReadValues(format, schema, options);
  FormatOptions result;
  if (values.count("compression"))
    result.compression = ReadCompression(format, values["compression"]);
  values.erase("compression");
  CheckTogether(values, result.compression);
  // A prefix begins a text of another kind, in which a line of names has no place.
  if (format == "csv") values.emplace("header", values.count("prefix") ? "false" : "true");
  for (const auto& option : OptionsOf(format)) {
    auto value = values.find(option.name);
    if (value == values.end() || value->second.empty()) continue;
    std::string text = ", " + option.name + " " + value->second;
    result.sql += text;
    if (WithoutSecrets(text) != text) result.secrets.emplace_back(option.name, value->second);
    if (option.is_dialect && value->second != option.plain)
      result.dialect += (result.dialect.empty() ? "" : ", ") + option.name + " " + value->second;
    if (option.name != "encryption_config") continue;
    result.encryption = value->second;
    result.dialect = option.name;  // Keys don't belong into a manifest.
  }
  return result;
}

}  // namespace smallpond
