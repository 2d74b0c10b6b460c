#include "write/write_folder.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "action/plan_run.h"
#include "duckdb_adapter/arrow/export_types.h"
#include "plan/file_scan.h"
#include "smallpond/error.h"
#include "storage/files/early_writeback.h"
#include "storage/files/paths.h"
#include "storage/output/output_committer.h"
#include "worker/write_files.h"
#include "write/append_columns.h"
#include "write/copy_options.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

// Whether the rows, or those of each partition, come in an order that was asked for.
bool IsInOrder(const LogicalPlan& plan) {
  const auto* repartition = std::get_if<Repartition>(&plan.op());
  if (!repartition) return plan.ordered();
  bool keeps_order =
      repartition->way == Repartition::Way::kRows || plan.partitioning().num_partitions == 1;
  return keeps_order && IsInOrder(*repartition->input);
}

// Stages one version of the folder.
class FolderWrite {
 public:
  FolderWrite(Connection& connection, PlanRun& run, const PlanRef& plan, const FolderTarget& target)
      : connection_(connection),
        run_(run),
        plan_(plan),
        committer_(*target.committer),
        output_(target.files),
        cast_sql_(target.cast_sql) {
    output_.staging_folder = committer_.staging_folder();
  }

  StagedFolder Run() {
    int num_partitions = plan_->partitioning().num_partitions;
    auto exported = [this](Statement rows) { return Exported(std::move(rows)); };
    if (auto parts = run_.WriteInStages(plan_, exported, output_)) {
      for (const auto& part : *parts) Note(part.folder, part.written);
    } else if (num_partitions == 1) {
      EarlyWriteback writeback(output_.staging_folder);
      Write(run_.Query(plan_), 0);
    } else {
      EarlyWriteback writeback(output_.staging_folder);
      const auto& table = run_.Partitions(plan_);
      for (int i = 0; i < num_partitions; ++i) Write(PlanRun::PartitionQuery(table, i), i);
    }
    if (staged_.num_rows == 0) Write(Statement::NoRows(plan_->schema()), 0, true);
    return std::move(staged_);
  }

 private:
  Statement Exported(Statement rows) const {
    if (output_.copy.is_parquet)
      rows = CastFor(ExportTarget::kParquet, std::move(rows), plan_->schema());
    return cast_sql_.empty() ? std::move(rows) : SqlOver(cast_sql_, rows);
  }

  void Write(Statement rows, int partition, bool keep_empty = false) {
    auto written = WriteFiles(connection_, Exported(std::move(rows)), output_,
                              output_.staging_folder, partition, keep_empty);
    SyncWrittenFiles(output_.staging_folder, written.files);
    Note("", written);
  }

  void Note(const std::string& folder, const WrittenFiles& written) {
    staged_.num_rows += written.rows;
    for (const auto& file : written.files) {
      std::string path = folder.empty() ? file.name : folder + "/" + file.name;
      staged_.files.push_back(committer_.Staged(path, file.name, file.bytes, file.hash));
    }
  }

  Connection& connection_;
  PlanRun& run_;
  const PlanRef& plan_;
  OutputCommitter& committer_;
  FileOutput output_;
  const std::string& cast_sql_;
  StagedFolder staged_;
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
  CheckCanBeWritten(path);
  FolderTarget target;
  Schema written = plan->schema();
  CopyOptions copy = ReadCopyOptions(format, written, options);  // Says what is wrong before all.
  if (copy.is_parquet) written = SchemaIn(ExportTarget::kParquet, written);
  target.committer =
      OutputCommitter::Begin(path, options.mode, job_id, {},
                             [&](const std::string& file) { return connection.MayOpen(file); });
  if (!target.committer) return std::nullopt;
  if (const OutputManifest* base = target.committer->AppendsTo()) {
    target.cast_sql =
        SqlToAppend(connection, written, ColumnsOf(connection, path, format, *base), path);
  }
  if (!target.cast_sql.empty())
    written = connection.Bind(SqlOver(target.cast_sql, Statement::NoRows(written)));
  copy = ReadCopyOptions(format, written, options);
  CheckNoMacroWrites(connection, copy);
  target.committer->Describe({StoredColumns(written), copy.dialect, copy.partition_by});
  target.files.copy = std::move(copy);
  for (const auto& column : written.columns()) target.files.columns.push_back(column.name);
  target.files.in_order = IsInOrder(*plan);
  target.files.tag = target.committer->tag();
  return target;
}

StagedFolder StageFolder(Connection& connection, PlanRun& run, const PlanRef& plan,
                         const FolderTarget& target) {
  target.committer->StageAnew();
  return FolderWrite(connection, run, plan, target).Run();
}

}  // namespace smallpond
