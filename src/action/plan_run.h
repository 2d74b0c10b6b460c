#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "action/result_cache.h"
#include "action/stage_runner.h"
#include "duckdb_adapter/connection/connection.h"
#include "plan/logical_plan.h"

namespace smallpond {

/// One run of an action: the files of its plans as they were found, and the queries for their rows
/// on one connection. Only where partitions can be seen are they made, as temporary tables of that
/// connection, which spill like everything else:
///
///     partial_sql(concat) ── repartition ── scan
///           │                   └ table of the scan's rows with the number of their partition
///           └ table of the results, filled partition by partition
///
/// One thread uses a run. The connection may be interrupted from another.
class PlanRun {
 public:
  /// A table that holds a plan's rows with the number of their partition.
  struct PartitionTable {
    std::string name;
    std::string partition_column;
    int num_partitions = 1;
    Schema schema;  // The plan's. The table has names where a struct of the plan has none.
  };

  /// Takes results from `kept`, which may be null and must outlive the run.
  /// With `stages`, queries are computed by tasks where that can be done.
  explicit PlanRun(Connection& connection, ResultCache* kept = nullptr,
                   StageRunner* stages = nullptr)
      : connection_(connection), kept_(kept), stages_(stages) {}

  /// Returns the query for all rows of `plan`.
  Statement Query(const PlanRef& plan);
  /// Returns the statement `sql` with the plan's rows for its table "{0}".
  Statement Over(const std::string& sql, const PlanRef& plan);

  /// Computes everything from now on, also what an earlier action kept.
  void ForgetKept() { kept_ = nullptr; }

  /// Computes the plan's rows in stages, if the run has any and that can be done, and returns the
  /// query for them, which is good as long as the run; otherwise returns Query(plan).
  Statement Compute(const PlanRef& plan) { return Compute("", plan); }
  /// The same for the statement `sql` over the plan's rows, "{0}"; "" is the rows themselves.
  Statement Compute(const std::string& sql, const PlanRef& plan);
  /// Writes the plan's rows, as `exported` makes them, to files by tasks, if the run has stages and
  /// that can be done: those of partition i by task i, where there are several. Returns what each
  /// task has written, which is on the disk; nothing where it has to be done as a whole.
  std::optional<std::vector<WrittenPart>> WriteInStages(
      const PlanRef& plan, const std::function<Statement(Statement)>& exported, FileOutput files);
  /// Returns the stages of the plan's rows; nothing where there can be none, and why.
  std::optional<StagePlan> PlanStages(const PlanRef& plan, std::string* whole_because);
  /// Runs them, without handing out the rows. Returns null where there can be none.
  std::shared_ptr<const FinishedJob> RunStages(const PlanRef& plan, std::string* whole_because);

  /// Rows that an earlier action has computed.
  struct KeptRows {
    Statement query;
    std::shared_ptr<const ArrowSource> rows;  // Shared with the cache, and kept by the run.
  };
  std::optional<KeptRows> QueryKept(const PlanRef& plan);

  /// Returns the files that a scan means now, as this run's.
  ResolvedScan Find(const FileScan& scan);
  /// Returns the files that a ReadFiles means, as this run found them. Throws Io where they have
  /// other columns than the plan.
  const ResolvedScan& Resolve(const PlanRef& plan);
  /// Returns all files that the plan reads, as this run found them.
  std::vector<FileIdentity> Files(const PlanRef& plan);
  /// Returns the plan's number of rows where it costs next to nothing to know.
  std::optional<int64_t> KnownRows(const PlanRef& plan);
  /// Throws Io where a file that this run read has another content than when the run found it.
  void CheckFilesUnchanged() const;
  /// Returns the files that this run found and that are gone, by name.
  std::vector<std::string> RemovedFiles() const;

  /// Computes the plan's partitions, if that was not done yet. The rows of a partition stand in the
  /// order of its result.
  const PartitionTable& Partitions(const PlanRef& plan);
  /// Returns the query for one partition's rows, without the partition's number.
  static Statement PartitionQuery(const PartitionTable& table, int partition);

 private:
  static constexpr size_t kMaxFooters = 100;  // That are read to know a number of rows.
  // Of tasks that write to the same folders of partition_by. More move rows by folder first.
  static constexpr int kMaxFilesPerFolder = 8;

  // How much the plan reads, as far as that is known without binding it. A filter may leave out
  // files: their sizes count here.
  std::optional<double> BytesRead(const PlanRef& plan);
  bool IsSmall(const PlanRef& plan);
  StageRunner::MakePlan PlanOf(const std::string& sql, const PlanRef& plan);
  std::optional<ResultCache::Entry> Kept(const PlanRef& plan);
  PartitionTable SpreadRows(const PlanRef& plan);
  PartitionTable RunPerPartition(const PlanRef& plan);
  Statement WholeInput(const PlanRef& plan);
  void ComputeInputs(const SqlQuery& query);
  std::string NewTableName() { return "__smallpond_table_" + std::to_string(num_tables_++); }

  Connection& connection_;
  ResultCache* kept_;
  StageRunner* stages_;
  std::vector<std::shared_ptr<const FinishedJob>> jobs_;       // Whose results are read.
  std::vector<std::shared_ptr<const ArrowSource>> kept_rows_;  // What the statements read.
  int num_tables_ = 0;
  std::vector<FileIdentity> found_;  // All files, as this run found them.
  std::map<const LogicalPlan*, ResolvedScan> resolved_;
  std::map<const LogicalPlan*, PartitionTable> partitions_;
  std::map<const LogicalPlan*, std::string> whole_inputs_;  // Computed once for all partitions.
};

/// Returns the query that reads rows of `schema`, which left as Arrow data, back with their own
/// types; nothing where a type would not come back as it was.
std::optional<Statement> ReadBack(Connection& connection, const ArrowSource& rows,
                                  const Schema& schema);

}  // namespace smallpond
