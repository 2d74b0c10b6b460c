#include "plan/file_scan.h"

#include <strings.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"
#include "storage/files/file_system.h"
#include "storage/files/paths.h"
#include "storage/input/input_files.h"

namespace smallpond {
namespace {

bool HasOption(const FileScan& scan, const std::string& name) {
  return std::any_of(scan.options.begin(), scan.options.end(),
                     [&](const auto& option) { return option.first == name; });
}

[[noreturn]] void ThrowNoColumns(const std::set<std::string>& empty) {
  std::string others = std::to_string(empty.size() - 1) + " others";
  throw Error(ErrorKind::kInvalidInput,
              "'" + *empty.begin() + "'" + (empty.size() > 1 ? " and " + others + " are" : " is") +
                  " empty (0 bytes), so the columns are unknown. Give their names and types with "
                  "schema=, or leave the file out.");
}

// A text file of no bytes has no rows, where the columns are known. Of a CSV file DuckDB looks for
// a delimiter and fails, so such files are not given to it, or, where there is no other, `scan` is
// made not to look. Where no file tells the columns, DuckDB would make one up.
void PassOverEmptyFiles(FileScan& scan, std::vector<std::string>& files,
                        const std::vector<FileIdentity>& identities) {
  if (scan.function == "read_parquet") return;
  std::set<std::string> empty;
  for (const auto& file : identities) {
    if (file.bytes == 0 && file.inode != 0 && IsRegularFile(file.path)) {
      empty.insert(file.path);
    }
  }
  if (empty.empty()) return;
  if (!HasOption(scan, "columns")) {
    if (empty.size() == std::set<std::string>(files.begin(), files.end()).size()) {
      ThrowNoColumns(empty);
    }
    return;
  }
  if (scan.function != "read_csv") return;
  auto end = std::remove_if(files.begin(), files.end(),
                            [&](const std::string& file) { return empty.count(file) > 0; });
  if (end != files.begin()) {
    files.erase(end, files.end());
  } else if (!HasOption(scan, "auto_detect")) {
    files.assign(empty.begin(), empty.end());
    scan.options.emplace_back("auto_detect", false);
  }
}

// DuckDB tells the compression of text by names in small letters, so that of others it is said.
void TellCompression(FileScan& scan, const std::vector<std::string>& files) {
  if (scan.function == "read_parquet" || HasOption(scan, "compression")) return;
  auto is_told = [](const std::string& file) {
    return CompressionOfName(file).empty() || file.ends_with(".gz") || file.ends_with(".zst");
  };
  auto untold = std::find_if_not(files.begin(), files.end(), is_told);
  if (untold == files.end()) return;
  std::string compression = CompressionOfName(*untold);
  for (const auto& file : files) {
    if (CompressionOfName(file) == compression) continue;
    throw Error(ErrorKind::kInvalidInput,
                "'" + *untold + "' is compressed with " + compression +
                    ", as its name tells, and '" + file +
                    "' is not. Read them apart, or give the first a name in small letters.");
  }
  scan.options.emplace_back("compression", compression);
}

// The columns to read. Keys of folders have the names there that folders can have.
std::string Selection(const FileScan& scan, const std::vector<PartitionColumn>& keys) {
  std::vector<std::string> renamed;
  for (const auto& key : keys) {
    if (key.key != key.name) renamed.push_back(QuoteName(key.key) + " AS " + QuoteName(key.name));
  }
  if (scan.columns.empty()) return renamed.empty() ? "*" : "* RENAME (" + Join(renamed) + ")";
  std::vector<std::string> selected;
  for (const auto& column : scan.columns) {
    auto key = std::find_if(keys.begin(), keys.end(), [&](const PartitionColumn& candidate) {
      return ::strcasecmp(candidate.name.c_str(), column.c_str()) == 0;
    });
    selected.push_back(key == keys.end() ? QuoteName(column)
                                         : QuoteName(key->key) + " AS " + QuoteName(key->name));
  }
  return Join(selected);
}

Statement ReadQuery(const FileScan& scan, const InputFiles& input) {
  const auto& files = input.paths;
  bool as_keys = true;  // Unless the caller wants the files' own columns only.
  for (const auto& [name, value] : scan.options)
    as_keys = as_keys && (name != "hive_partitioning" || value.bool_value());
  const std::vector<PartitionColumn> keys =
      as_keys ? input.partition_by : std::vector<PartitionColumn>();
  std::string select = Selection(scan, keys);
  // Paths and options are parameters: nothing of them becomes a part of the text.
  std::map<std::string, Value> params;
  std::vector<Value> paths;
  for (const auto& file : files) paths.emplace_back(IsRemote(file) ? file : EscapePattern(file));
  params["paths"] = Value::List(std::move(paths));
  std::string arguments = "$paths";
  auto add = [&](const std::string& name, const Value& value) {
    std::string param = "option" + std::to_string(params.size());
    arguments += ", " + QuoteName(name) + " = $" + param;
    params[param] = value;
  };
  for (const auto& [name, value] : scan.options) add(name, value);
  if (!keys.empty() && !HasOption(scan, "hive_types") && !HasOption(scan, "hive_types_autocast")) {
    std::vector<std::pair<std::string, Value>> types;
    for (const auto& key : keys) types.emplace_back(key.key, Value(key.type));
    add("hive_types", Value::Struct(std::move(types)));
  }
  Statement query =
      Statement::Parse("SELECT " + select + " FROM " + scan.function + "(" + arguments + ")");
  query.BindParameters({}, params);
  return query;
}

}  // namespace

ResolvedScan ResolveScan(Connection& connection, FileScan scan) {
  auto glob = [&](const std::string& pattern) { return connection.Glob(pattern); };
  auto files = ListInputFiles(scan.paths, scan.endings, scan.recursive, glob);
  std::vector<FileIdentity> identities;
  for (const auto& file : files.paths) {
    if (!IsRemote(file)) identities.push_back(Identify(file));
  }
  PassOverEmptyFiles(scan, files.paths, identities);
  TellCompression(scan, files.paths);
  Statement query = ReadQuery(scan, files);
  return {std::move(query), std::move(files.paths), std::move(identities), std::move(files.unread)};
}

}  // namespace smallpond
