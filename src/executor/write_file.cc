#include "executor/write_file.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "duckdb_adapter/export_types.h"
#include "duckdb_adapter/sql_text.h"
#include "executor/copy_options.h"
#include "executor/direct_run.h"
#include "smallpond/error.h"
#include "storage/durable.h"
#include "storage/paths.h"

namespace smallpond {

FileWrite::FileWrite(const std::string& path, const std::string& format, const PlanRef& plan)
    : path_(path), format_(format), plan_(plan), is_device_(path.starts_with("/dev/")) {
  CheckIsLocal(path);
  CopyOptions(format, plan->schema(), {});  // Says what is wrong before anything is made.
  if (is_device_ && format == "parquet") {
    throw Error(ErrorKind::kInvalidInput,
                "Parquet can't be written to the screen or a pipe. Give a file.");
  }
  staged_ = path;
  if (is_device_) return;
  std::filesystem::path target(path);
  std::error_code error;
  if (!std::filesystem::is_directory(target.parent_path(), error)) {
    throw Error(ErrorKind::kIo, "Writing '" + path + "' failed: there is no folder '" +
                                    target.parent_path().string() + "'.");
  }
  staging_ = std::make_unique<ProcessFolder>(target.parent_path().string(), ".writing");
  staged_ = staging_->path() + "/" + target.filename().string() + ".writing";
}

FileWrite::~FileWrite() = default;

void FileWrite::Stage(Connection& connection, DirectRun& run) const {
  CopyOptions copy(format_, plan_->schema(), {});
  Statement rows = run.Compute(run.Query(plan_));
  if (format_ == "parquet") rows = CastFor(Holder::kParquet, std::move(rows), plan_->schema());
  connection.Run(
      SqlOver("COPY (FROM \"{0}\") TO " + QuoteText(staged_) + " (" + copy.options + ")", rows));
}

void FileWrite::Commit() {
  if (is_device_) return;
  SyncFiles({staged_});  // Or a power failure may leave the name to an empty file.
  std::error_code error;
  std::filesystem::rename(staged_, path_, error);
  if (!error) return SyncFolders({std::filesystem::path(path_).parent_path().string()});
  throw Error(ErrorKind::kIo, "Writing '" + path_ + "' failed: " + error.message() + ".");
}

}  // namespace smallpond
