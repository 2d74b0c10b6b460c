#include "duckdb_adapter/analysis/scan_facts.h"

#include <algorithm>
#include <set>
#include <string>

#include "storage/files/paths.h"
#include "storage/input/input_files.h"

namespace smallpond {
namespace {

// Whether no process takes a path, or one of a list of them, for one in its own folder.
bool IsAbsolute(const duckdb::Value& paths) {
  if (paths.IsNull()) return false;
  if (paths.type().id() == duckdb::LogicalTypeId::LIST) {
    const auto& all = duckdb::ListValue::GetChildren(paths);
    return std::all_of(all.begin(), all.end(), IsAbsolute);
  }
  std::string path = paths.ToString();
  if (IsRemote(path)) return true;
  // A pipe is read once, by this process. What begins with /vsi is no path but a word of GDAL's.
  return path.starts_with('/') && !path.starts_with("/vsi") && !IsNoFileOfItsOwn(path);
}

}  // namespace

std::map<size_t, duckdb::ColumnBinding> ColumnsRead(duckdb::LogicalGet& get) {
  std::map<size_t, duckdb::ColumnBinding> read;
  auto columns = get.GetColumnBindings();
  for (size_t i = 0; i < columns.size(); ++i) {
    size_t place = get.projection_ids.empty() ? i : get.projection_ids[i];
    const auto& id = get.GetColumnIds()[place];
    if (!id.IsVirtualColumn()) read.emplace(id.GetPrimaryIndex(), columns[i]);
  }
  return read;
}

bool LooksForFiles(const duckdb::LogicalOperator& op) {
  if (op.type != duckdb::LogicalOperatorType::LOGICAL_GET) return false;
  const auto& get = op.Cast<duckdb::LogicalGet>();
  static const std::set<std::string> readers = {
      "read_text",      "read_blob",           "glob",      "parquet_metadata",
      "parquet_schema", "parquet_kv_metadata", "sniff_csv", "parquet_file_metadata",
      "read_xlsx",      "read_avro",           "st_read"};
  return readers.count(get.function.name) > 0 && !get.parameters.empty() &&
         IsAbsolute(get.parameters[0]);
}

}  // namespace smallpond
