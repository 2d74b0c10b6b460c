#include "executor/write_folder.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "duckdb_adapter/export_types.h"
#include "duckdb_adapter/sql_text.h"
#include "executor/copy_options.h"
#include "executor/direct_run.h"
#include "smallpond/error.h"
#include "storage/output_committer.h"
#include "storage/paths.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSampleRows = 122'880;  // Written first, to learn how many bytes a row takes.

// Writes one version of the folder: the rows of each partition go through CopyRows.
class FolderWrite {
 public:
  FolderWrite(Connection& connection, DirectRun& run, const PlanRef& plan,
              OutputCommitter& committer, const std::string& format, const WriteOptions& options)
      : connection_(connection),
        plan_(plan),
        committer_(committer),
        options_(options),
        copy_(CopyOptions(format, plan->schema(), options)),
        run_(run) {}

  /// Returns whether there were rows.
  bool Run() {
    int num_partitions = plan_->partitioning().num_partitions;
    if (num_partitions == 1) {
      CopyRows(run_.Query(plan_), 0);
    } else {
      const auto& table = run_.Partitions(plan_);
      for (int i = 0; i < num_partitions; ++i) CopyRows(DirectRun::PartitionQuery(table, i), i);
    }
    if (num_rows_ > 0) return true;
    CopyToFile(Statement::NoRows(plan_->schema()), PartName(0), true);
    return false;
  }

 private:
  void CopyRows(const Statement& rows, int partition) {
    Statement sorted = options_.sort_by.empty()
                           ? rows.Copy()
                           : SqlOver("SELECT * FROM \"{0}\" ORDER BY " + copy_.sort_list, rows);
    bool in_order = plan_->ordered() || !options_.sort_by.empty();
    if (!options_.partition_by.empty()) {
      CopyToFolder(sorted, partition, "PARTITION_BY (" + copy_.partition_list + ")");
    } else if (options_.file_size_bytes && in_order) {
      CopyInOrder(sorted, partition);
    } else if (options_.file_size_bytes) {
      CopyToFolder(sorted, partition,
                   "FILE_SIZE_BYTES " + std::to_string(*options_.file_size_bytes));
    } else {
      CopyToFile(sorted, PartName(partition), false);
    }
  }

  // Returns the file's bytes; 0 where there was no row and no file is kept.
  uint64_t CopyToFile(const Statement& rows, const std::string& name, bool keep_empty) {
    std::string file = (fs::path(committer_.staging_folder()) /
                        (name + copy_.ending + OutputCommitter::kStagedEnding))
                           .string();
    int64_t count = Copy(rows, file, "");
    std::error_code error;
    if (count > 0 || keep_empty) return fs::file_size(file, error);
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

  // DuckDB's own FILE_SIZE_BYTES spreads rows over files as threads come by. Here every file holds
  // the next run of the sorted rows.
  void CopyInOrder(const Statement& rows, int partition) {
    std::string table = "__smallpond_sorted_" + std::to_string(partition);
    connection_.Run(SqlOver("CREATE TEMP TABLE " + table + " AS FROM \"{0}\"",
                            CastFor(Holder::kTable, rows.Copy(), plan_->schema())));
    int64_t total = connection_.QueryInt64(Statement::Parse("SELECT count(*) FROM " + table));
    int64_t rows_per_file = total;
    int file = 0;
    for (int64_t begin = 0; begin < total; begin += rows_per_file) {
      auto range = [&](int64_t count) {
        Statement part =
            Statement::Parse("FROM " + table + " WHERE rowid >= " + std::to_string(begin) +
                             " AND rowid < " + std::to_string(begin + count));
        return CastBack(Holder::kTable, std::move(part), plan_->schema());
      };
      if (begin == 0) rows_per_file = RowsPerFile(range(kSampleRows), std::min(total, kSampleRows));
      char number[16];
      std::snprintf(number, sizeof number, "-%05d", file++);
      CopyToFile(range(rows_per_file), PartName(partition) + number, false);
    }
    connection_.Run(Statement::Parse("DROP TABLE " + table));
  }

  int64_t RowsPerFile(const Statement& sample, int64_t sample_rows) {
    int64_t before = num_rows_;
    uint64_t bytes = CopyToFile(sample, "sample", false);
    num_rows_ = before;
    std::error_code error;
    fs::remove(fs::path(committer_.staging_folder()) /
                   ("sample" + copy_.ending + OutputCommitter::kStagedEnding),
               error);
    double bytes_per_row =
        static_cast<double>(std::max<uint64_t>(bytes, 1)) / static_cast<double>(sample_rows);
    return std::max<int64_t>(
        1, static_cast<int64_t>(static_cast<double>(*options_.file_size_bytes) / bytes_per_row));
  }

  int64_t Copy(const Statement& rows, const std::string& target, const std::string& further) {
    int64_t count = connection_.QueryInt64(SqlOver(
        "COPY (FROM \"{0}\") TO " + QuoteText(target) + " (" + copy_.options + further + ")",
        copy_.is_parquet ? CastFor(Holder::kParquet, rows.Copy(), plan_->schema()) : rows.Copy()));
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
  DirectRun& run_;
  int64_t num_rows_ = 0;
};

}  // namespace

std::unique_ptr<OutputCommitter> BeginFolder(const PlanRef& plan, const std::string& path,
                                             const std::string& format, const WriteOptions& options,
                                             const std::string& job_id) {
  CheckIsLocal(path);
  CopyOptions(format, plan->schema(), options);  // Says what is wrong before anything is made.
  return OutputCommitter::Begin(path, options.mode, job_id);
}

bool StageFolder(Connection& connection, DirectRun& run, const PlanRef& plan,
                 OutputCommitter& committer, const std::string& format,
                 const WriteOptions& options) {
  committer.ClearStaged();
  return FolderWrite(connection, run, plan, committer, format, options).Run();
}

}  // namespace smallpond
