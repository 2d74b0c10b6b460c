#include "plan/file_scan.h"

#include <algorithm>
#include <map>

#include "duckdb_adapter/sql_text.h"
#include "smallpond/error.h"
#include "storage/input_files.h"
#include "storage/paths.h"

namespace smallpond {
namespace {

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// A staged file of an output folder has an ending that hides how it is compressed. Returns "" where
// DuckDB sees it itself, as it does for each file with its final name. Of a version that is being
// published any file may be staged.
std::string HiddenCompression(const FileScan& scan, const std::vector<std::string>& files) {
  for (const auto& [name, value] : scan.options) {
    if (name == "compression") return "";
  }
  if (scan.function == "read_parquet") return "";
  for (const auto& file : files) {
    if (file.ends_with(".gz.writing")) return "gzip";
    if (file.ends_with(".zst.writing")) return "zstd";
  }
  return "";
}

Statement ReadQuery(const FileScan& scan, const std::vector<std::string>& files) {
  std::string select = "*";
  if (!scan.columns.empty()) {
    std::vector<std::string> quoted;
    for (const auto& column : scan.columns) quoted.push_back(QuoteName(column));
    select = Join(quoted);
  }
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
  std::string compression = HiddenCompression(scan, files);
  if (!compression.empty()) add("compression", compression);
  Statement query =
      Statement::Parse("SELECT " + select + " FROM " + scan.function + "(" + arguments + ")");
  query.BindParameters({}, params);
  return query;
}

}  // namespace

ResolvedScan ResolveScan(Connection& connection, const FileScan& scan) {
  auto glob = [&](const std::string& pattern) { return connection.Glob(pattern); };
  auto files = ListInputFiles(scan.paths, scan.endings, scan.recursive, glob);
  std::vector<FileIdentity> identities;
  for (const auto& file : files) {
    if (!IsRemote(file)) identities.push_back(Identify(file));
  }
  Statement query = ReadQuery(scan, files);
  return {std::move(query), std::move(files), std::move(identities)};
}

}  // namespace smallpond
