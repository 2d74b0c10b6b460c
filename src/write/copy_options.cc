#include "write/copy_options.h"

#include <regex>
#include <set>
#include <vector>

#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"
#include "worker/partition_folders.h"
#include "write/format_options.h"

namespace smallpond {
namespace {

[[noreturn]] void RefuseFolders(const std::string& message) {
  throw Error(ErrorKind::kInvalidInput, message);
}

// "amount DESC" → "amount" and " DESC", in any letter case. A column whose own name ends so is
// taken as it is.
std::string SortTerm(const Schema& schema, const std::string& term) {
  static const std::regex kOrdered(
      R"(([\s\S]*?\S)(\s+(?:asc|desc))?(\s+nulls\s+(?:first|last))?\s*)", std::regex::icase);
  constexpr size_t kLongestTerm = 4'000;  // A regex goes as deep as a text is long.
  std::smatch parts;
  bool is_column = schema.Find(term) >= 0 || term.size() > kLongestTerm;
  if (is_column || !std::regex_match(term, parts, kOrdered))
    return QuotedColumn(schema, term, "sort_by");
  return QuotedColumn(schema, parts[1], "sort_by") + parts[2].str() + parts[3].str();
}

// Readers find a key's column under the name that folders have for it, in any letter case.
void CheckKeys(const Schema& schema, const std::vector<PartitionColumn>& keys) {
  std::set<int> positions;
  for (const auto& key : keys) {
    if (!positions.insert(schema.Find(key.name)).second)
      RefuseFolders("partition_by names the column '" + key.name + "' twice. Leave one out.");
    if (key.key == key.name || schema.Find(key.key) < 0) continue;
    RefuseFolders("The folders of partition_by='" + key.name + "' are named " + key.key +
                  "=…, which hides the column '" + key.key + "'. Rename one of the two.");
  }
  if (keys.size() < schema.columns().size()) return;
  RefuseFolders(
      "partition_by names every column, so that none is left for the files. Leave one out.");
}

std::string Ending(const std::string& format, const std::string& compression) {
  if (format == "parquet") return ".parquet";
  return "." + format + (compression == "gzip" ? ".gz" : compression == "zstd" ? ".zst" : "");
}

}  // namespace

CopyOptions ReadCopyOptions(const std::string& format, const Schema& schema,
                            const WriteOptions& write) {
  FormatOptions read = ReadFormatOptions(format, schema, write);
  CopyOptions copy;
  copy.is_parquet = format == "parquet";
  copy.options = "FORMAT " + format + read.sql;
  if (!read.compression.empty()) copy.options += ", COMPRESSION " + read.compression;
  copy.ending = Ending(format, read.compression);
  copy.dialect = read.dialect;
  copy.encryption = read.encryption;
  copy.secrets = read.secrets;
  copy.file_size_bytes = write.file_size_bytes;
  for (const auto& name : write.partition_by) {
    copy.partition_list +=
        (copy.partition_list.empty() ? "" : ", ") + QuotedColumn(schema, name, "partition_by");
  }
  for (const auto& term : write.sort_by) {
    copy.sort_list += (copy.sort_list.empty() ? "" : ", ") + SortTerm(schema, term);
  }
  if (write.partition_by.empty()) return copy;
  copy.partition_by = PartitionColumns(schema, write.partition_by, copy.is_parquet);
  CheckKeys(schema, copy.partition_by);
  return copy;
}

void CheckNoMacroWrites(Connection& connection, const CopyOptions& copy) {
  std::vector<std::string> called;
  if (copy.options.starts_with("FORMAT json")) called = {"to_json", "struct_pack"};
  if (copy.options.find("format ") != std::string::npos) called.push_back("strftime");  // Of dates.
  for (const auto& name : called) {
    if (!connection.HasMacroFor(name)) continue;
    throw Error(
        ErrorKind::kInvalidInput,
        "The session's macro '" + name +
            "' has the name of a function that DuckDB writes these files with. DROP MACRO " + name +
            ", or give it another name.");
  }
}

}  // namespace smallpond
