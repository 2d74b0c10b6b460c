#include "action/plan_run.h"

#include <algorithm>
#include <set>
#include <utility>

#include "action/staged_query.h"
#include "duckdb_adapter/arrow/arrow_scan.h"
#include "duckdb_adapter/arrow/export_types.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "plan/lower_plan.h"
#include "plan/partition_sql.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

void CheckSameColumns(const Schema& planned, const Schema& now, const ReadFiles& read) {
  const auto& before = planned.columns();
  const auto& after = now.columns();
  for (size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
    auto describe = [&](const std::vector<Column>& columns) {
      return i < columns.size() ? columns[i].name + " " + columns[i].type : std::string("none");
    };
    if (describe(before) == describe(after)) continue;
    throw Error(ErrorKind::kIo, "The files of " + read.description +
                                    " have other columns than when the frame was made: column " +
                                    std::to_string(i + 1) + " was " + describe(before) +
                                    " and is " + describe(after) + ". Make the frame again.");
  }
}

// The partition of a row, by its folder, and by other columns which of two where rows need not stay
// in order.
std::string FolderPartition(const FileOutput& files, int num_partitions) {
  constexpr size_t kMaxOthers = 4;
  std::string others;
  size_t num_others = 0;
  for (const auto& column : files.columns) {
    bool is_key = std::any_of(files.copy.partition_by.begin(), files.copy.partition_by.end(),
                              [&](const auto& key) { return key.name == column; });
    if (is_key || ++num_others > kMaxOthers) continue;
    others += (others.empty() ? "" : ", ") + QuoteName(column);
  }
  std::string half = files.in_order ? "0" : "hash(" + others + ") % 2";
  return "((hash(" + files.copy.partition_list + ") // 2 + " + half + ") % " +
         std::to_string(num_partitions) + ")::BIGINT";
}

}  // namespace

std::optional<Statement> ReadBack(Connection& connection, const ArrowSource& rows,
                                  const Schema& schema) {
  Statement scan = ScanArrow(rows);
  const Schema read = connection.Bind(scan);
  const Schema held = SchemaIn(ExportTarget::kArrow, schema);
  for (size_t i = 0; i < held.columns().size(); ++i) {
    bool is_repeated = schema.Find(held.columns()[i].name) != static_cast<int>(i);
    if (is_repeated || read.columns()[i].type != held.columns()[i].type) return std::nullopt;
  }
  return CastBack(ExportTarget::kArrow, std::move(scan), schema);
}

Statement PlanRun::Query(const PlanRef& plan) {
  return LowerPlan(plan, [this](const PlanRef& source) -> std::optional<Statement> {
    if (std::holds_alternative<ReadFiles>(source->op())) return Resolve(source).query.Copy();
    if (auto kept = QueryKept(source)) return std::move(kept->query);
    if (!IsConcatenated(*source)) return std::nullopt;
    const PartitionTable& table = Partitions(source);
    Statement rows = Statement::Parse("SELECT * EXCLUDE (" + QuoteName(table.partition_column) +
                                      ") FROM " + QuoteName(table.name));
    return CastBack(ExportTarget::kTable, std::move(rows), table.schema);
  });
}

std::optional<ResultCache::Entry> PlanRun::Kept(const PlanRef& plan) {
  if (!kept_ || !std::holds_alternative<SqlQuery>(plan->op())) return std::nullopt;
  auto entry = kept_->Find(plan);
  if (!entry || entry->files != Files(plan)) return std::nullopt;
  return entry;
}

std::optional<PlanRun::KeptRows> PlanRun::QueryKept(const PlanRef& plan) {
  auto entry = Kept(plan);
  if (!entry) return std::nullopt;
  kept_rows_.push_back(entry->rows);
  auto query = ReadBack(connection_, *entry->rows, plan->schema());
  if (!query) return std::nullopt;
  return KeptRows{std::move(*query), entry->rows};
}

std::optional<int64_t> PlanRun::KnownRows(const PlanRef& plan) {
  if (auto entry = Kept(plan)) return entry->rows->num_rows();
  const auto* read = std::get_if<ReadFiles>(&plan->op());
  if (!read || read->scan.function != "read_parquet" || Files(plan).size() > kMaxFooters)
    return std::nullopt;
  return connection_.QueryInt64(Over("SELECT count(*) FROM \"{0}\"", plan));
}

Statement PlanRun::Compute(const std::string& sql, const PlanRef& plan) {
  // What is kept is handed out; nothing is to be computed of it.
  if (stages_ && !Kept(plan) && !IsSmall(plan)) {
    if (auto job = stages_->Run(connection_, PlanOf(sql, plan))) {
      jobs_.push_back(job);
      return job->Result(connection_);
    }
  }
  return sql.empty() ? Query(plan) : Over(sql, plan);
}

std::optional<double> PlanRun::BytesRead(const PlanRef& plan) {
  double bytes = 0;
  if (std::holds_alternative<ReadFiles>(plan->op())) {
    const ResolvedScan& scan = Resolve(plan);
    if (scan.files.size() < scan.paths.size()) return std::nullopt;  // Some are remote.
    for (const auto& file : scan.files) bytes += static_cast<double>(file.bytes);
  } else if (std::holds_alternative<ReadArrow>(plan->op())) {
    return std::nullopt;
  } else if (const auto* query = std::get_if<SqlQuery>(&plan->op())) {
    if (!query->file_bytes) return std::nullopt;
    bytes = *query->file_bytes;
  }
  for (const auto& input : plan->Inputs()) {
    auto below = BytesRead(input);
    if (!below) return std::nullopt;
    bytes += *below;
  }
  return bytes;
}

// Spares planning the stages, which looks at all files once more, where that would be for nothing.
bool PlanRun::IsSmall(const PlanRef& plan) {
  auto bytes = BytesRead(plan);
  return bytes && stages_->RunsWhole(*bytes);
}

StageRunner::MakePlan PlanRun::PlanOf(const std::string& sql, const PlanRef& plan) {
  return [this, sql, plan](StagePlanner& planner) {
    StagedQuery staged(*this, planner);
    Statement rows = staged.Rows(plan);
    return planner.Finish(sql.empty() ? std::move(rows) : SqlOver(sql, rows));
  };
}

std::optional<StagePlan> PlanRun::PlanStages(const PlanRef& plan, std::string* whole_because) {
  return stages_->Plan(connection_, PlanOf("", plan), whole_because);
}

std::shared_ptr<const FinishedJob> PlanRun::RunStages(const PlanRef& plan,
                                                      std::string* whole_because) {
  return stages_->Run(connection_, PlanOf("", plan), whole_because);
}

// Keeps credentials out of what is written to the job's folder: a task finds them in variables.
CopyOptions WithSecretsInVariables(Connection& connection, CopyOptions copy) {
  for (const auto& [option, value] : std::exchange(copy.secrets, {})) {
    connection.SetForWorkers("smallpond_" + option, value);
    std::string variable = "getvariable(" + QuoteText("smallpond_" + option) + ")";
    std::string text = ", " + option + " " + value;
    std::string hidden = ", " + option + " (" + variable + ")";
    copy.options.replace(copy.options.find(text), text.size(), hidden);
    if (copy.encryption == value) copy.encryption = variable;
  }
  return copy;
}

std::optional<std::vector<WrittenPart>> PlanRun::WriteInStages(
    const PlanRef& plan, const std::function<Statement(Statement)>& exported, FileOutput files) {
  if (!stages_) return std::nullopt;
  // Where the session may not write, DuckDB says so here.
  if (!connection_.MayOpen(files.staging_folder + "/part")) return std::nullopt;
  files.copy = WithSecretsInVariables(connection_, std::move(files.copy));
  int by_folder = 0;  // So many partitions, rows of a folder in two at most; 0: as the rows lie.
  bool is_spread =
      plan->partitioning().num_partitions > 1 || std::holds_alternative<Repartition>(plan->op());
  FileOutput sorted = files;  // By stages: the files of one task after those of another.
  sorted.in_order = files.in_order || !files.copy.sort_list.empty();
  sorted.copy.sort_list.clear();
  auto make_plan = [&](StagePlanner& planner) {
    StagedQuery staged(*this, planner);
    if (by_folder == 0 && is_spread)
      return planner.FinishPerPartition(exported(staged.PartitionRows(plan)), files);
    Statement rows = exported(staged.Rows(plan));
    if (by_folder == 0) return planner.Finish(SortedBy(files.copy.sort_list, rows), sorted);
    Statement numbered =
        SqlOver("SELECT *, " + FolderPartition(sorted, by_folder) + " FROM \"{0}\"", rows);
    int fragment = planner.cutter().CutByNumber(numbered, by_folder);
    using Readers = QueryCutter::Readers;
    return planner.FinishPerPartition(planner.cutter().RowsOf(fragment, Readers::kByPartition),
                                      files);
  };
  if (!files.copy.partition_by.empty()) {
    auto planned = stages_->Plan(connection_, make_plan);
    if (!planned) return std::nullopt;
    int tasks = planned->graph.stages.back().num_tasks;
    // Partitions with an order of their own have none together.
    bool each_in_order = files.in_order && plan->partitioning().num_partitions > 1;
    if (tasks > kMaxFilesPerFolder && !each_in_order) by_folder = tasks;
  }
  auto job = stages_->Run(connection_, make_plan);
  if (!job) return std::nullopt;
  return job->parts();
}

std::vector<FileIdentity> PlanRun::Files(const PlanRef& plan) {
  if (std::holds_alternative<ReadFiles>(plan->op())) return Resolve(plan).files;
  std::vector<FileIdentity> files;
  for (const auto& input : plan->Inputs()) {
    auto more = Files(input);
    files.insert(files.end(), more.begin(), more.end());
  }
  return files;
}

ResolvedScan PlanRun::Find(const FileScan& scan) {
  ResolvedScan resolved = ResolveScan(connection_, scan);
  found_.insert(found_.end(), resolved.files.begin(), resolved.files.end());
  return resolved;
}

const ResolvedScan& PlanRun::Resolve(const PlanRef& plan) {
  auto found = resolved_.find(plan.get());
  if (found != resolved_.end()) return found->second;
  const auto& read = std::get<ReadFiles>(plan->op());
  const ResolvedScan& now = resolved_.emplace(plan.get(), Find(read.scan)).first->second;
  // What was bound over the earlier files holds for these only if their columns are the same.
  // Where one of them is gone already, this throws and RemovedFiles tells why.
  if (now.files != read.files) {
    CheckSameColumns(plan->schema(), connection_.Bind(now.query), read);
  }
  return now;
}

void PlanRun::CheckFilesUnchanged() const { CheckUnchanged(found_); }

Statement PlanRun::Over(const std::string& sql, const PlanRef& plan) {
  return SqlOver(sql, Query(plan));
}

std::vector<std::string> PlanRun::RemovedFiles() const {
  auto paths = smallpond::RemovedFiles(found_);
  std::set<std::string> removed(paths.begin(), paths.end());  // Several scans may name one file.
  return {removed.begin(), removed.end()};
}

const PlanRun::PartitionTable& PlanRun::Partitions(const PlanRef& plan) {
  auto found = partitions_.find(plan.get());
  if (found != partitions_.end()) return found->second;
  bool is_repartition = std::holds_alternative<Repartition>(plan->op());
  return partitions_[plan.get()] = is_repartition ? SpreadRows(plan) : RunPerPartition(plan);
}

Statement PlanRun::PartitionQuery(const PartitionTable& table, int partition) {
  std::string column = QuoteName(table.partition_column);
  Statement rows =
      Statement::Parse("SELECT * EXCLUDE (" + column + ") FROM " + QuoteName(table.name) +
                       " WHERE " + column + " = " + std::to_string(partition));
  return CastBack(ExportTarget::kTable, std::move(rows), table.schema);
}

PlanRun::PartitionTable PlanRun::SpreadRows(const PlanRef& plan) {
  const auto& repartition = std::get<Repartition>(plan->op());
  PartitionTable table{NewTableName(), PartitionColumnName(plan->schema()),
                       plan->partitioning().num_partitions, plan->schema()};
  connection_.Run(SqlOver("CREATE TEMP TABLE " + QuoteName(table.name) + " AS SELECT *, " +
                              PartitionExpression(repartition, table.num_partitions) + " AS " +
                              QuoteName(table.partition_column) + " FROM \"{0}\"",
                          CastFor(ExportTarget::kTable, Query(repartition.input), plan->schema())));
  return table;
}

// A plan of several partitions that is not a repartition is a query that runs on each.
PlanRun::PartitionTable PlanRun::RunPerPartition(const PlanRef& plan) {
  const auto& query = std::get<SqlQuery>(plan->op());
  PartitionTable table{NewTableName(), PartitionColumnName(plan->schema()),
                       plan->partitioning().num_partitions, plan->schema()};
  // now() has one value in a transaction. It covers the partitions' queries only: DuckDB takes
  // almost twice as long to scan a table that is not committed yet.
  ComputeInputs(query);
  connection_.Run(Statement::Parse("BEGIN TRANSACTION"));
  for (int partition = 0; partition < table.num_partitions; ++partition) {
    Statement statement = query.query.Copy();
    statement.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
      auto input = query.inputs.find(name);
      if (input == query.inputs.end()) return std::nullopt;
      if (input->second->partitioning().num_partitions == 1) return WholeInput(input->second);
      return PartitionQuery(Partitions(input->second), partition);
    });
    std::string rows = "SELECT *, " + std::to_string(partition) + "::BIGINT AS " +
                       QuoteName(table.partition_column) + " FROM \"{0}\"";
    std::string target = QuoteName(table.name);
    connection_.Run(SqlOver(
        (partition == 0 ? "CREATE TEMP TABLE " + target + " AS " : "INSERT INTO " + target + " ") +
            rows,
        CastFor(ExportTarget::kTable, std::move(statement), plan->schema())));
  }
  connection_.Run(Statement::Parse("COMMIT"));
  return table;
}

void PlanRun::ComputeInputs(const SqlQuery& query) {
  for (const auto& [name, input] : query.inputs) {
    if (input->partitioning().num_partitions > 1) {
      Partitions(input);
    } else {
      WholeInput(input);
    }
  }
}

Statement PlanRun::WholeInput(const PlanRef& plan) {
  bool is_source = !std::holds_alternative<SqlQuery>(plan->op()) && plan->Inputs().empty();
  if (is_source) return Query(plan);
  auto [entry, is_new] = whole_inputs_.try_emplace(plan.get());
  if (is_new) {
    entry->second = NewTableName();
    connection_.Run(SqlOver("CREATE TEMP TABLE " + QuoteName(entry->second) + " AS FROM \"{0}\"",
                            CastFor(ExportTarget::kTable, Query(plan), plan->schema())));
  }
  return CastBack(ExportTarget::kTable, Statement::Parse("FROM " + QuoteName(entry->second)),
                  plan->schema());
}

}  // namespace smallpond
