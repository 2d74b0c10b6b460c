#include "executor/write_file.h"

#include <filesystem>
#include <random>

#include "duckdb_adapter/sql_text.h"
#include "executor/copy_options.h"
#include "executor/direct_run.h"
#include "smallpond/error.h"
#include "storage/paths.h"

namespace smallpond {
void WriteFile(Connection& connection, DirectRun& run, const PlanRef& plan, const std::string& path,
               const std::string& format) {
  CheckIsLocal(path);
  CopyOptions copy(format, plan->schema(), {});
  bool is_device = path.starts_with("/dev/");
  if (is_device && format == "parquet") {
    throw Error(ErrorKind::kInvalidInput,
                "Parquet can't be written to the screen or a pipe. Give a file.");
  }
  std::string written =
      is_device ? path : path + ".writing-" + std::to_string(std::random_device()());
  try {
    Statement rows = run.Compute(run.Query(plan));
    if (format == "parquet") rows = WithExportTypes(std::move(rows), plan->schema());
    connection.Run(
        SqlOver("COPY (FROM \"{0}\") TO " + QuoteText(written) + " (" + copy.options + ")", rows));
    run.CheckFilesUnchanged();  // Before the file appears.
    if (!is_device) std::filesystem::rename(written, path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    if (!is_device) std::filesystem::remove(written, ignored);
    if (const auto* ours = dynamic_cast<const Error*>(&error)) throw *ours;
    throw Error(ErrorKind::kIo, error.what());
  }
}

}  // namespace smallpond
