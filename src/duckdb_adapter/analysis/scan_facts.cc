#include "duckdb_adapter/analysis/scan_facts.h"

#include <algorithm>
#include <set>
#include <string>

#include "duckdb/common/multi_file/multi_file_function.hpp"
#include "storage/files/file_identity.h"
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

constexpr size_t kMostFiles = 10'000;  // To look at one takes a microsecond or two.

std::optional<double> BytesOfScan(const duckdb::LogicalGet& get) {
  if (ReadsNothing(get)) return 0;
  const auto* scan = dynamic_cast<const duckdb::MultiFileBindData*>(get.bind_data.get());
  if (!scan || IsRemote(scan->file_list->GetFirstFile().path)) return std::nullopt;
  if (scan->file_list->GetTotalFileCount() > kMostFiles) return std::nullopt;
  double bytes = 0;
  for (const auto& file : scan->file_list->GetAllFiles()) {
    FileIdentity found;
    if (!IsRemote(file.path)) found = Identify(file.path);
    if (found.inode == 0) return std::nullopt;
    bytes += static_cast<double>(found.bytes);
  }
  return bytes;
}

}  // namespace

bool ReadsNothing(const duckdb::LogicalGet& get) {
  static const std::set<std::string> functions = {"range", "generate_series", "unnest", "repeat",
                                                  "repeat_row"};
  return functions.count(get.function.name) > 0;
}

std::optional<double> BytesOfFiles(const duckdb::LogicalOperator& plan) {
  std::optional<double> bytes = 0;
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_GET)
    bytes = BytesOfScan(plan.Cast<duckdb::LogicalGet>());
  for (const auto& child : plan.children) {
    auto below = bytes ? BytesOfFiles(*child) : std::nullopt;
    bytes = below ? std::optional(*bytes + *below) : std::nullopt;
  }
  return bytes;
}

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
