#include "write/write_folder.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "action/plan_run.h"
#include "duckdb_adapter/arrow/export_types.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "plan/file_scan.h"
#include "smallpond/error.h"
#include "storage/files/early_writeback.h"
#include "storage/files/paths.h"
#include "storage/output/output_committer.h"
#include "write/append_columns.h"
#include "write/copy_options.h"
#include "write/partition_folders.h"
#include "write/staged_rows.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSampleRows = 122'880;  // Written first, to learn how many bytes a row takes.

// Whether the rows, or those of each partition, come in an order that was asked for.
bool IsInOrder(const LogicalPlan& plan) {
  const auto* repartition = std::get_if<Repartition>(&plan.op());
  if (!repartition) return plan.ordered();
  bool keeps_order =
      repartition->way == Repartition::Way::kRows || plan.partitioning().num_partitions == 1;
  return keeps_order && IsInOrder(*repartition->input);
}

[[noreturn]] void ThrowOthersStaged(const std::string& what) {
  throw Error(ErrorKind::kIo, "The files of this write are not what was written: " + what +
                                  ". Nothing of it was kept; run it again.");
}

std::string FreeName(const Schema& schema, std::string name) {
  while (schema.Find(name) >= 0) name += "_";
  return name;
}

// Stages one version of the folder: the rows of each partition go through CopyRows.
class FolderWrite {
 public:
  FolderWrite(Connection& connection, PlanRun& run, const PlanRef& plan, const FolderTarget& target,
              const std::string& format, const WriteOptions& options)
      : connection_(connection),
        plan_(plan),
        committer_(*target.committer),
        options_(options),
        copy_(CopyOptions(format, target.written, options)),
        cast_sql_(target.cast_sql),
        exported_(target.written),
        run_(run),
        in_order_(IsInOrder(*plan) || !options.sort_by.empty()),
        // DuckDB's own PARTITION_BY writes in parallel, as rows come; it has no file sizes, no
        // JSON, and takes bytes for text.
        sorts_by_folder_(!options.partition_by.empty() &&
                         (in_order_ || options.file_size_bytes || format == "json" ||
                          std::any_of(copy_.partition_by.begin(), copy_.partition_by.end(),
                                      [](const auto& key) { return key.type == "BLOB"; }))) {}

  /// Returns the number of rows.
  int64_t Run() {
    EarlyWriteback writeback(committer_.staging_folder());
    int num_partitions = plan_->partitioning().num_partitions;
    if (num_partitions == 1) {
      CopyRows(run_.Compute(run_.Query(plan_)), 0);
    } else {
      const auto& table = run_.Partitions(plan_);
      for (int i = 0; i < num_partitions; ++i) CopyRows(PlanRun::PartitionQuery(table, i), i);
    }
    if (num_rows_ == 0) CopyToFile(Exported(Statement::NoRows(plan_->schema())), PartName(0), true);
    CheckStaged();
    return num_rows_;
  }

 private:
  Statement Exported(Statement rows) const {
    if (copy_.is_parquet) rows = CastFor(ExportTarget::kParquet, std::move(rows), plan_->schema());
    return cast_sql_.empty() ? std::move(rows) : SqlOver(cast_sql_, rows);
  }

  // Throws Io unless what is staged is what was written.
  void CheckStaged() {
    std::map<std::string, uint64_t> staged;
    std::vector<std::string> patterns;
    for (const auto& file : committer_.StagedFiles()) {
      staged[file.name] = file.bytes;
      // The question mark stands for itself: DuckDB finds no path of "\\" by a pattern with
      // brackets.
      patterns.push_back(EscapePattern(committer_.staging_folder() + "/" + file.name) +
                         OutputCommitter::kStagedEnding);
    }
    for (const auto& [name, bytes] : written_) {
      auto found = staged.find(name);
      if (found == staged.end() || found->second != bytes)
        ThrowOthersStaged("the file '" + name + "' is not as it was written");
    }
    if (staged.empty()) ThrowOthersStaged("there is no file");
    if (!copy_.is_parquet) return;
    int64_t held = CountParquetRows(connection_, patterns, copy_.encryption);
    if (held != num_rows_) {
      ThrowOthersStaged("they hold " + std::to_string(held) + " rows, and " +
                        std::to_string(num_rows_) + " were computed");
    }
  }

  void CopyRows(Statement rows, int partition) {
    rows = Exported(std::move(rows));
    if (sorts_by_folder_) {
      CopyByFolder(rows, partition);
      return;
    }
    if (!options_.partition_by.empty()) {
      CopyToFolder(SqlOver(DistinctFoldersSql(copy_.partition_by, committer_.tag()), rows),
                   partition, "PARTITION_BY (" + copy_.partition_list + ")");
      RenameFolders(committer_.staging_folder(), committer_.tag());
      return;
    }
    if (!options_.sort_by.empty())
      rows = SqlOver("SELECT * FROM \"{0}\" ORDER BY " + copy_.sort_list, rows);
    if (!options_.file_size_bytes) {
      CopyToFile(rows, PartName(partition), false);
    } else if (in_order_) {
      CopyInOrder(rows, partition);
    } else {
      CopyToFolder(rows, partition, "FILE_SIZE_BYTES " + std::to_string(*options_.file_size_bytes));
    }
  }

  // Returns the file's bytes; 0 where there was no row and no file is kept.
  uint64_t CopyToFile(const Statement& rows, const std::string& name, bool keep_empty) {
    std::string file = (fs::path(committer_.staging_folder()) /
                        (name + copy_.ending + OutputCommitter::kStagedEnding))
                           .string();
    int64_t count = Copy(rows, file, "");
    std::error_code error;
    if (count > 0 || keep_empty) {
      uint64_t bytes = fs::file_size(file, error);
      return written_[name + copy_.ending] = error ? 0 : bytes;
    }
    fs::remove(file, error);
    return 0;
  }

  // DuckDB names the files and makes folders for partition_by.
  void CopyToFolder(const Statement& rows, int partition, const std::string& how) {
    std::string ending = copy_.ending.substr(1) + OutputCommitter::kStagedEnding;
    int64_t count =
        Copy(rows, committer_.staging_folder(),
             ", OVERWRITE_OR_IGNORE, FILENAME_PATTERN " + QuoteText(PartName(partition) + "-{i}") +
                 ", FILE_EXTENSION " + QuoteText(ending) + ", " + how);
    if (count == 0) RemoveFiles(PartName(partition));  // DuckDB may make an empty one.
  }

  void RemoveFiles(const std::string& prefix) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(committer_.staging_folder())) {
      if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
    }
    for (const auto& path : found) fs::remove(path);
  }

  // Rows of a table that stand one after the other.
  struct Range {
    std::string select;  // "FROM table", with the columns of `exported_`.
    int64_t begin = 0;
    int64_t end = 0;
  };

  Statement RowsOf(const Range& range) const {
    Statement rows =
        Statement::Parse(range.select + " WHERE rowid >= " + std::to_string(range.begin) +
                         " AND rowid < " + std::to_string(range.end));
    rows = CastBack(ExportTarget::kTable, std::move(rows), exported_);
    if (copy_.partition_list.empty()) return rows;
    return SqlOver("SELECT * EXCLUDE (" + copy_.partition_list + ") FROM \"{0}\"", rows);
  }

  // DuckDB's own FILE_SIZE_BYTES spreads rows over files as threads come by. Here every file holds
  // the next run of the sorted rows.
  void CopyInOrder(const Statement& rows, int partition) {
    std::string table = "__smallpond_sorted_" + std::to_string(partition);
    connection_.Run(SqlOver("CREATE TEMP TABLE " + table + " AS FROM \"{0}\"",
                            CastFor(ExportTarget::kTable, rows.Copy(), exported_)));
    Range all{"FROM " + table, 0,
              connection_.QueryInt64(Statement::Parse("SELECT count(*) FROM " + table))};
    CopyRange(all, PartName(partition), RowsPerFile(all));
    connection_.Run(Statement::Parse("DROP TABLE " + table));
  }

  // Folder by folder: their rows are made neighbours first.
  void CopyByFolder(const Statement& rows, int partition) {
    std::string table = "__smallpond_by_folder_" + std::to_string(partition);
    std::string folder = QuoteName(FreeName(exported_, "__smallpond_folder"));
    std::string number = QuoteName(FreeName(exported_, "__smallpond_row"));
    std::string further = in_order_ ? (copy_.sort_list.empty() ? number : copy_.sort_list) : "";
    connection_.Run(SqlOver(
        // As bytes, so that no default collation puts 'A' and 'a' into one folder.
        "CREATE TEMP TABLE " + table + " AS SELECT *, encode(" + FolderSql(copy_.partition_by) +
            ") AS " + folder + (further == number ? ", row_number() OVER () AS " + number : "") +
            " FROM \"{0}\" ORDER BY " + folder + " ASC" +
            (further == number ? ", " + number + " ASC"
             : further.empty() ? ""
                               : ", " + further),
        CastFor(ExportTarget::kTable, rows.Copy(), exported_)));
    auto folders = connection_.QueryCounts(
        Statement::Parse("SELECT " + folder + ", count(*) FROM " + table + " GROUP BY " + folder +
                         " ORDER BY " + folder + " ASC"));
    Range range{"SELECT * EXCLUDE (" + folder + (further == number ? ", " + number : "") +
                ") FROM " + table};
    for (const auto& [name, count] : folders) range.end += count;
    int64_t rows_per_file = RowsPerFile(range);
    range.end = 0;
    for (const auto& [name, count] : folders) {
      range.begin = range.end;
      range.end += count;
      MakeFolder(name);
      CopyRange(range, name + "/" + PartName(partition), rows_per_file);
    }
    connection_.Run(Statement::Parse("DROP TABLE " + table));
  }

  void MakeFolder(const std::string& name) {
    std::error_code error;
    fs::create_directories(fs::path(committer_.staging_folder()) / name, error);
    if (!error) return;
    throw Error(ErrorKind::kIo,
                "Making the folder '" + name + "' of a partition failed: " + error.message() + ".");
  }

  // The files' names sort as the rows.
  void CopyRange(const Range& range, const std::string& name, int64_t rows_per_file) {
    int64_t num_files = (range.end - range.begin + rows_per_file - 1) / rows_per_file;
    size_t digits = std::max<size_t>(5, std::to_string(num_files).size());
    Range part = range;
    for (int64_t file = 0; file < num_files; ++file) {
      part.begin = range.begin + file * rows_per_file;
      part.end = std::min(part.begin + rows_per_file, range.end);
      std::string number = std::to_string(file);
      number.insert(0, digits - number.size(), '0');
      CopyToFile(RowsOf(part), name + "-" + number, false);
    }
  }

  // Writes a sample of the rows and looks how large it gets.
  int64_t RowsPerFile(Range rows) {
    int64_t all = std::max<int64_t>(1, rows.end - rows.begin);
    if (!options_.file_size_bytes) return all;
    rows.end = rows.begin + std::min(all, kSampleRows);
    int64_t before = num_rows_;
    uint64_t bytes = CopyToFile(RowsOf(rows), "sample", false);
    num_rows_ = before;
    std::error_code error;
    written_.erase("sample" + copy_.ending);
    fs::remove(fs::path(committer_.staging_folder()) /
                   ("sample" + copy_.ending + OutputCommitter::kStagedEnding),
               error);
    double bytes_per_row = static_cast<double>(std::max<uint64_t>(bytes, 1)) /
                           static_cast<double>(rows.end - rows.begin);
    double per_file = static_cast<double>(*options_.file_size_bytes) / bytes_per_row;
    return std::clamp<int64_t>(static_cast<int64_t>(std::min(per_file, 1e18)), 1, all);
  }

  int64_t Copy(const Statement& rows, const std::string& target, const std::string& further) {
    int64_t count = connection_.QueryInt64(SqlOver(
        "COPY (FROM \"{0}\") TO " + QuoteText(target) + " (" + copy_.options + further + ")",
        rows));
    num_rows_ += count;
    return count;
  }

  // Names sort as the partitions do, and no other write of the folder has them.
  std::string PartName(int partition) const {
    char name[32];
    std::snprintf(name, sizeof name, "part-%05d-", partition);
    return name + committer_.tag();
  }

  Connection& connection_;
  const PlanRef& plan_;
  OutputCommitter& committer_;
  const WriteOptions& options_;
  CopyOptions copy_;
  const std::string& cast_sql_;
  Schema exported_;  // What the files hold, with the keys of folders.
  PlanRun& run_;
  bool in_order_;
  bool sorts_by_folder_;
  int64_t num_rows_ = 0;
  std::map<std::string, uint64_t> written_;  // Files that we named, by their names: bytes.
};

// The columns of the files that are there. Earlier versions of smallpond did not note them.
std::vector<Column> ColumnsOf(Connection& connection, const std::string& folder,
                              const std::string& format, const OutputManifest& base) {
  std::string file = fs::path(base.files.front().name).filename().string();
  std::string ending = file.substr(std::min(file.size(), file.find('.')));
  if (!ending.starts_with("." + format)) {
    throw Error(ErrorKind::kInvalidInput, "The files in '" + folder + "' end in " + ending +
                                              ", and the ones to append in ." + format +
                                              ". Use mode=\"overwrite\", or another folder.");
  }
  if (!base.columns.empty()) return base.columns;
  FileScan scan{"read_" + format, {folder}, {"." + format}, false, {}, {}};
  return StoredColumns(connection.Bind(ResolveScan(connection, std::move(scan)).query));
}

}  // namespace

std::optional<FolderTarget> BeginFolder(Connection& connection, const PlanRef& plan,
                                        const std::string& path, const std::string& format,
                                        const WriteOptions& options, const std::string& job_id) {
  CheckIsLocal(path);
  FolderTarget target;
  target.written = plan->schema();
  CopyOptions copy(format, target.written, options);  // Says what is wrong before all.
  if (copy.is_parquet) target.written = SchemaIn(ExportTarget::kParquet, target.written);
  target.committer =
      OutputCommitter::Begin(path, options.mode, job_id, {},
                             [&](const std::string& file) { return connection.MayOpen(file); });
  if (!target.committer) return std::nullopt;
  if (const OutputManifest* base = target.committer->AppendsTo()) {
    target.cast_sql =
        SqlToAppend(connection, target.written, ColumnsOf(connection, path, format, *base), path);
  }
  if (!target.cast_sql.empty()) {
    target.written = connection.Bind(SqlOver(target.cast_sql, Statement::NoRows(target.written)));
    copy = CopyOptions(format, target.written, options);
  }
  target.committer->Describe({StoredColumns(target.written), copy.dialect, copy.partition_by});
  return target;
}

int64_t StageFolder(Connection& connection, PlanRun& run, const PlanRef& plan,
                    const FolderTarget& target, const std::string& format,
                    const WriteOptions& options) {
  target.committer->ClearStaged();
  return FolderWrite(connection, run, plan, target, format, options).Run();
}

}  // namespace smallpond
