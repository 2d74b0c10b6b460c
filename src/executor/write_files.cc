#include "executor/write_files.h"

#include <cstdio>
#include <filesystem>
#include <random>

#include "duckdb_adapter/sql_text.h"
#include "executor/direct_run.h"
#include "smallpond/error.h"
#include "storage/output_folder.h"
#include "storage/paths.h"

namespace smallpond {
namespace {

void CheckIsLocal(const std::string& path) {
  if (!IsRemote(path)) return;
  throw Error(
      ErrorKind::kUnsupported,
      "Writing to '" + path + "' is not in this version. Write to a local or mounted folder.");
}

std::string CopyTo(const std::string& path, const std::string& options) {
  return "COPY (FROM \"{0}\") TO " + QuoteText(path) + " (" + options + ")";
}

std::string PartName(int number) {
  char name[32];
  std::snprintf(name, sizeof name, "part-%05d", number);
  return name;
}

}  // namespace

void WriteParquet(Connection& connection, const PlanRef& plan, const std::string& path) {
  CheckIsLocal(path);
  OutputFolder folder(path);
  DirectRun run(connection);
  auto copy = [&](const Statement& rows, int number) {
    std::string file = folder.AddFile(PartName(number), ".parquet");
    connection.Run(
        SqlOver(CopyTo(file, "FORMAT parquet"), WithExportTypes(rows.Copy(), plan->schema())));
  };
  int num_partitions = plan->partitioning().num_partitions;
  if (num_partitions == 1) {
    copy(run.Query(plan), 0);
  } else {
    const auto& table = run.Partitions(plan);
    for (int i = 0; i < num_partitions; ++i) copy(DirectRun::PartitionQuery(table, i), i);
  }
  folder.Publish();
}

void WriteFile(Connection& connection, const PlanRef& plan, const std::string& path,
               const std::string& format) {
  CheckIsLocal(path);
  std::string options = format == "csv"    ? "FORMAT csv, HEADER"
                        : format == "json" ? "FORMAT json"
                                           : "FORMAT parquet";
  if (format != "csv" && format != "json" && format != "parquet") {
    throw Error(ErrorKind::kInvalidInput,
                "The format must be 'csv', 'json' or 'parquet', not '" + format + "'.");
  }
  bool is_device = path.starts_with("/dev/");
  if (is_device && format == "parquet") {
    throw Error(ErrorKind::kInvalidInput,
                "Parquet can't be written to the screen or a pipe. Give a file.");
  }
  std::string written =
      is_device ? path : path + ".writing-" + std::to_string(std::random_device()());
  DirectRun run(connection);
  try {
    Statement rows = run.Query(plan);
    if (format == "parquet") rows = WithExportTypes(std::move(rows), plan->schema());
    connection.Run(SqlOver(CopyTo(written, options), rows));
    if (!is_device) std::filesystem::rename(written, path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    if (!is_device) std::filesystem::remove(written, ignored);
    if (const auto* ours = dynamic_cast<const Error*>(&error)) throw *ours;
    throw Error(ErrorKind::kIo, error.what());
  }
}

}  // namespace smallpond
