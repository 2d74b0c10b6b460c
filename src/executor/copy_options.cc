#include "executor/copy_options.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/nearest_name.h"
#include "duckdb_adapter/sql_text.h"
#include "executor/partition_folders.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

[[noreturn]] void ThrowInvalid(const std::string& message) {
  throw Error(ErrorKind::kInvalidInput, message);
}

using Compressions =
    std::map<std::string, std::pair<std::string, std::string>>;  // name → DuckDB's name, ending

const Compressions& CompressionsOf(const std::string& format) {
  static const Compressions parquet = {{"", {"", ""}},
                                       {"snappy", {"snappy", ""}},
                                       {"zstd", {"zstd", ""}},
                                       {"lz4", {"lz4_raw", ""}},
                                       {"gzip", {"gzip", ""}},
                                       {"brotli", {"brotli", ""}},
                                       {"uncompressed", {"uncompressed", ""}},
                                       {"none", {"uncompressed", ""}}};
  static const Compressions text = {{"", {"", ""}},
                                    {"gzip", {"gzip", ".gz"}},
                                    {"zstd", {"zstd", ".zst"}},
                                    {"uncompressed", {"none", ""}},
                                    {"none", {"none", ""}}};
  return format == "parquet" ? parquet : text;
}

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

// "amount DESC" → "amount" and " DESC". A column whose own name ends so is taken as it is.
std::string SortTerm(const Schema& schema, const std::string& term) {
  if (schema.Find(term) >= 0) return QuotedColumn(schema, term, "sort_by");
  for (const char* order : {" desc", " asc", " DESC", " ASC"}) {
    if (!term.ends_with(order)) continue;
    return QuotedColumn(schema, term.substr(0, term.size() - std::string(order).size()),
                        "sort_by") +
           order;
  }
  return QuotedColumn(schema, term, "sort_by");
}

// Readers find a key's column under the name that folders have for it, in any letter case.
void CheckKeys(const Schema& schema, const std::vector<PartitionColumn>& keys) {
  std::set<int> positions;
  for (const auto& key : keys) {
    if (!positions.insert(schema.Find(key.name)).second)
      ThrowInvalid("partition_by names the column '" + key.name + "' twice. Leave one out.");
    if (key.key == key.name || schema.Find(key.key) < 0) continue;
    ThrowInvalid("The folders of partition_by='" + key.name + "' are named " + key.key +
                 "=…, which hides the column '" + key.key + "'. Rename one of the two.");
  }
  if (keys.size() < schema.columns().size()) return;
  ThrowInvalid(
      "partition_by names every column, so that none is left for the files. Leave one out.");
}

std::string FormatOptions(const std::string& format) {
  if (format == "parquet") return "FORMAT parquet";
  if (format == "csv") return "FORMAT csv, HEADER";
  if (format == "json") return "FORMAT json";
  ThrowInvalid("The format must be 'csv', 'json' or 'parquet', not '" + format + "'.");
}

}  // namespace

CopyOptions::CopyOptions(const std::string& format, const Schema& schema, const WriteOptions& write)
    : options(FormatOptions(format)), is_parquet(format == "parquet") {
  auto compression = CompressionsOf(format).find(write.compression);
  if (compression == CompressionsOf(format).end()) {
    std::string known;
    for (const auto& [name, ours] : CompressionsOf(format)) {
      if (!name.empty()) known += (known.empty() ? "'" : ", '") + name + "'";
    }
    ThrowInvalid("compression='" + write.compression + "' is not known for " + format +
                 ". Known are " + known + ".");
  }
  if (!compression->second.first.empty()) options += ", COMPRESSION " + compression->second.first;
  ending = "." + format + compression->second.second;
  if (write.row_group_size) {
    if (format != "parquet") ThrowInvalid("row_group_size is for Parquet only.");
    if (*write.row_group_size < 1) {
      ThrowInvalid("row_group_size must be at least 1, not " +
                   std::to_string(*write.row_group_size) + ".");
    }
    options += ", ROW_GROUP_SIZE " + std::to_string(*write.row_group_size);
  }
  for (const auto& [name, value] : write.further)
    options += ", " + QuoteName(name) + " " + QuoteText(value);
  for (const auto& name : write.partition_by) {
    partition_list +=
        (partition_list.empty() ? "" : ", ") + QuotedColumn(schema, name, "partition_by");
  }
  for (const auto& term : write.sort_by) {
    sort_list += (sort_list.empty() ? "" : ", ") + SortTerm(schema, term);
  }
  if (write.partition_by.empty()) return;
  partition_by = PartitionColumns(schema, write.partition_by, is_parquet);
  CheckKeys(schema, partition_by);
}

}  // namespace smallpond
