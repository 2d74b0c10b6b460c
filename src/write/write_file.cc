#include "write/write_file.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "action/plan_run.h"
#include "base/text.h"
#include "duckdb_adapter/arrow/export_types.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "smallpond/error.h"
#include "storage/files/file_system.h"
#include "storage/files/paths.h"
#include "worker/staged_rows.h"
#include "write/copy_options.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

bool IsDevice(const std::string& path) { return path.starts_with("/dev/"); }

std::string LowerName(const std::string& path) { return Lower(fs::path(path).filename().string()); }

bool EndsAs(std::string_view name, const std::string& format) {
  static const std::vector<std::string> parquet = {".parquet", ".parq", ".pq"};
  static const std::vector<std::string> csv = {".csv", ".tsv"};
  static const std::vector<std::string> json = {".json", ".jsonl", ".ndjson"};
  const auto& endings = format == "parquet" ? parquet : format == "csv" ? csv : json;
  for (const char* compressed : {".gz", ".zst"}) {
    if (name.ends_with(compressed)) name.remove_suffix(std::string_view(compressed).size());
  }
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
    return name.size() > ending.size() && name.ends_with(ending);
  });
}

// What the name says is an option too: readers tell the compression of text by it.
WriteOptions WithName(WriteOptions options, const std::string& path, const std::string& format) {
  std::string name = LowerName(path);
  std::string said = CompressionOfName(name);
  auto is_named = [](const char* wanted) {
    return [wanted](const auto& option) { return LowerName(option.first) == wanted; };
  };
  for (auto& [option, value] : options.further) {
    if (LowerName(option) == "compression" && options.compression.empty())
      options.compression = std::exchange(value, Value()).text();
  }
  std::erase_if(options.further, [](const auto& option) {
    return LowerName(option.first) == "compression" && option.second.kind() == Value::Kind::kNull;
  });
  if (options.compression.empty()) options.compression = said;
  bool is_tab_separated = format == "csv" && name.find(".tsv") != std::string::npos;
  const auto& further = options.further;
  bool has_delim = std::any_of(further.begin(), further.end(), [&](const auto& option) {
    return is_named("delim")(option) || is_named("delimiter")(option) || is_named("sep")(option);
  });
  if (is_tab_separated && !has_delim) options.further.emplace_back("delim", "\t");
  return options;
}

void CheckCompression(const std::string& path, const std::string& format, const CopyOptions& copy) {
  if (format == "parquet" || IsDevice(path)) return;  // Parquet's is inside.
  std::string said = CompressionOfName(path), used = CompressionOfName(copy.ending);
  if (said == used) return;
  throw Error(ErrorKind::kInvalidInput,
              "The name of '" + path + "' says " +
                  (said.empty() ? "that it is not compressed" : "compression=\"" + said + "\"") +
                  ", and readers go by it, but compression=\"" + (used.empty() ? "none" : used) +
                  "\" was asked for. Give the other name or compression.");
}

}  // namespace

bool IsOneFile(const std::string& path, const std::string& format, const LogicalPlan& plan,
               const WriteOptions& options) {
  bool asks_for_several = plan.partitioning().num_partitions > 1 || options.file_size_bytes ||
                          !options.partition_by.empty();
  return !asks_for_several && !IsRemote(path) && EndsAs(LowerName(path), format) && !IsFolder(path);
}

FileWrite::FileWrite(const std::string& path, const std::string& format,
                     const WriteOptions& options, const PlanRef& plan)
    : path_(path), format_(format), options_(WithName(options, path, format)), plan_(plan) {
  CheckCanBeWritten(path);
  // Says what is wrong before anything is made.
  CheckCompression(path, format, ReadCopyOptions(format, plan->schema(), options_));
  if (!IsDevice(path)) {
    file_ = std::make_unique<OutputFileCommitter>(path, options_.mode);
  } else if (format == "parquet") {
    throw Error(ErrorKind::kInvalidInput,
                "Parquet can't be written to the screen or a pipe. Give a file.");
  }
}

bool FileWrite::has_nothing_to_do() const { return file_ && file_->has_nothing_to_do(); }

void FileWrite::Stage(Connection& connection, PlanRun& run) {
  CopyOptions copy = ReadCopyOptions(format_, plan_->schema(), options_);
  CheckNoMacroWrites(connection, copy);
  Statement rows = run.Compute(plan_);
  if (format_ == "parquet")
    rows = CastFor(ExportTarget::kParquet, std::move(rows), plan_->schema());
  rows = SortedBy(copy.sort_list, rows);
  std::string target = file_ ? file_->staged() : path_;
  num_rows_ = connection.QueryInt64(
      SqlOver("COPY (FROM \"{0}\") TO " + QuoteText(target) + " (" + copy.options + ")", rows));
  if (!file_) return;
  bool is_whole = format_ != "parquet" || CountParquetRows(connection, {EscapePattern(target)},
                                                           copy.encryption) == num_rows_;
  if (is_whole) return file_->SyncStaged();
  throw Error(ErrorKind::kIo, "The rows written for '" + path_ +
                                  "' are not those that were computed. Nothing of it was kept; run "
                                  "it again.");
}

WriteResult FileWrite::Commit() {
  WriteResult result;
  result.path = path_;
  result.is_folder = false;
  if (file_ && !file_->Commit()) return result;
  result.num_files = 1;
  result.num_rows = num_rows_;
  if (file_) result.num_bytes = file_->num_bytes();
  return result;
}

}  // namespace smallpond
