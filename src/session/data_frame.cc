#include "smallpond/data_frame.h"

#include <algorithm>
#include <functional>

#include "action/action.h"
#include "base/limits.h"
#include "base/secrets.h"
#include "base/standard_errors.h"
#include "base/worker_layout.h"
#include "duckdb_adapter/arrow/arrow_source.h"
#include "duckdb_adapter/arrow/export_types.h"
#include "duckdb_adapter/connection/stream_query.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "observe/amounts.h"
#include "observe/explain_json.h"
#include "observe/explain_steps.h"
#include "observe/explain_text.h"
#include "plan/logical_plan.h"
#include "plan/lower_plan.h"
#include "session/explain_frame.h"
#include "session/session_state.h"
#include "smallpond/error.h"
#include "storage/files/paths.h"
#include "write/write_file.h"
#include "write/write_folder.h"

namespace smallpond {
namespace {

// Rows that a preview computes to fit its columns' widths, as DuckDB's own does.
constexpr int kPreviewLimit = 10'000;

std::string Megabytes(uint64_t bytes) { return std::to_string(bytes / 1'000'000) + " MB"; }

constexpr int kMaxNamedSteps = 5;  // Of a frame that failed.

// Says what was computed: the frame, and the queries that it goes back to, since any of them may be
// the one that failed.
std::string NameSteps(const LogicalPlan& plan) {
  std::string text = "\nWhile computing " + plan.Describe();
  int named = 1;
  std::function<void(const LogicalPlan&)> add = [&](const LogicalPlan& step) {
    for (const auto& input : step.Inputs()) {
      if (named == kMaxNamedSteps) return;
      if (std::holds_alternative<SqlQuery>(input->op())) {
        text += "\n  over " + input->Describe();
        ++named;
      }
      add(*input);
    }
  };
  add(plan);
  return text;
}

// Adds what DuckDB does not know: the limits of this session, and what was computed.
Error Explained(SessionState& session, const LogicalPlan& plan, const Error& error) {
  if (error.kind() == ErrorKind::kCancelled) return error;
  std::string text = session.Explain(error).what();
  if (error.kind() == ErrorKind::kOutOfMemory) {
    const Options& options = session.options();
    const std::string& folder = options.temp_dir;
    if (options.executor == ExecutorKind::kProcesses) {
      text += "\nThe memory is shared by " + std::to_string(WorkerLayoutOf(options).num_workers) +
              " workers and this process, which has " +
              Megabytes(session.DatabaseLimitsInForce().memory_bytes);
    } else {
      text += "\nThe memory limit is " + Megabytes(session.DatabaseLimitsInForce().memory_bytes);
    }
    text += folder.empty() ? ". There is no folder to spill to"
                           : ", and larger data spills to '" + folder + "'";
    text += ". Give more with init(duckdb_memory=…), or a temp_dir with more free space.";
  }
  return Error(error.kind(), text + NameSteps(plan));
}

// What keeps a write small, beside more memory.
std::string WriteAdvice(const WriteOptions& options) {
  std::string advice =
      "\nA write holds a row group for each thread and each file that is open. Fewer threads help, "
      "init(threads=…), and ";
  if (!options.partition_by.empty()) {
    advice += "sort_by=, which writes one folder of partition_by after the other, and ";
  }
  return advice +
         "a smaller row_group_size= of Parquet; where the rows' order does not matter also "
         "sp.execute(\"SET preserve_insertion_order=false\").";
}

// Runs the part of a write that computes rows.
template <class Work>
void WithWriteAdvice(const WriteOptions& options, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kOutOfMemory) throw;
    throw Error(error.kind(), error.what() + WriteAdvice(options));
  }
}

// Of a stream, whose rows have left: it can't begin anew by itself.
Error WithAdvice(Connection& connection, const Error& error) {
  if (error.kind() == ErrorKind::kCancelled || !LostInput(connection)) return error;
  return Error(ErrorKind::kIo, std::string(error.what()) +
                                   "\nIt holds rows that were computed before. Read the frame "
                                   "again: they are computed anew.");
}

// Runs a part of an action. Its error tells which frame was being computed.
template <class Part>
void Explaining(SessionState& session, const LogicalPlan& plan, const Part& part) {
  try {
    TranslatingStandardErrors(part);
  } catch (const Error& error) {
    throw Explained(session, plan, error);
  }
}

void Compute(SessionState& session, const LogicalPlan& plan, const Ticker& ticker,
             const Action::Work& work, bool can_run_again = true) {
  Action action(session.PartsOfAction(ticker), can_run_again);
  Explaining(session, plan, [&] { action.Compute(work); });
}

// What stands below a preview that ends before the rows do.
std::string FirstRowsText(PlanRun& run, const PlanRef& plan, int max_rows) {
  auto number = [](int64_t rows) { return NumberText(static_cast<uint64_t>(rows)); };
  auto known = run.KnownRows(plan);
  return "First " + number(max_rows) + (known ? " of " + number(*known) : "") + " rows";
}

}  // namespace

DataFrame::DataFrame(std::shared_ptr<SessionState> session, std::shared_ptr<const LogicalPlan> plan)
    : session_(std::move(session)), plan_(std::move(plan)) {}

const std::vector<Column>& DataFrame::columns() const { return plan_->schema().columns(); }

int DataFrame::num_partitions() const { return plan_->partitioning().num_partitions; }

std::string DataFrame::notice() const {
  return WithoutSecrets(MergeNotice(*plan_) + UnreadNotice(*plan_));
}

DataFrame DataFrame::Repartition(int n, const RepartitionOptions& options) const {
  return DataFrame(session_, PlanRepartition(plan_, n, options));
}

int64_t DataFrame::Count(const Ticker& ticker) const {
  int64_t count = 0;
  Compute(*session_, *plan_, ticker, [&](Connection& connection, PlanRun& run) {
    count = connection.QueryInt64(run.Compute("SELECT count(*) FROM \"{0}\"", plan_));
  });
  return count;
}

void DataFrame::ToArrowStream(ArrowArrayStream* out, const Ticker& ticker) const {
  // A stream begins anew only as long as no row has left.
  auto begin = [&](const std::shared_ptr<Connection>& connection,
                   const std::shared_ptr<PlanRun>& run) {
    Statement query = CastFor(ExportTarget::kArrow, run->Compute(plan_), plan_->schema());
    // The stream keeps alive what the query reads, and looks at the files again when it ends.
    auto at_end = [session = session_, plan = plan_, run] { run->CheckFilesUnchanged(); };
    // The connection belongs to the stream, which calls this.
    auto explain = [session = session_, plan = plan_, &reader = *connection](const Error& error) {
      return Explained(*session, *plan, WithAdvice(reader, error));
    };
    StreamQuery(connection, std::move(query), {at_end, explain}, out);
  };
  Action action(session_->PartsOfAction(ticker));
  Explaining(*session_, *plan_, [&] { action.Prepare(begin); });
}

void DataFrame::Collect(ArrowArrayStream* out, int64_t limit, const Ticker& ticker) const {
  std::shared_ptr<ArrowSource> rows;
  std::vector<FileIdentity> files;
  uint64_t generation = session_->kept().generation();
  bool can_be_kept =
      limit < 0 && std::holds_alternative<SqlQuery>(plan_->op()) && CanBeKept(*plan_);
  Compute(*session_, *plan_, ticker, [&](Connection& connection, PlanRun& run) {
    Statement query = limit < 0 ? run.Compute(plan_)
                                : run.Compute("FROM \"{0}\" LIMIT " + std::to_string(limit), plan_);
    ArrowArrayStream result{};
    connection.Collect(CastFor(ExportTarget::kArrow, std::move(query), plan_->schema()), &result);
    rows = std::make_shared<ArrowSource>(&result);
    can_be_kept = can_be_kept && rows->Bytes().value_or(UINT64_MAX) <= kResultCacheBytes &&
                  ReadBack(connection, *rows, plan_->schema());
    if (can_be_kept) files = run.Files(plan_);
  });
  rows->Stream(out);
  if (!can_be_kept) return;
  session_->kept().Add({plan_, rows, std::move(files), *rows->Bytes()}, generation);
}

std::string DataFrame::ToText(int max_rows, int width, const Ticker& ticker) const {
  std::string text;
  Compute(*session_, *plan_, ticker, [&](Connection& connection, PlanRun& run) {
    Statement query = run.Compute("FROM \"{0}\" LIMIT " + std::to_string(kPreviewLimit), plan_);
    text = connection.RenderText(std::move(query), max_rows, width, kPreviewLimit,
                                 [&] { return FirstRowsText(run, plan_, max_rows); });
  });
  return text;
}

std::string DataFrame::ToHtml(int max_rows, const Ticker& ticker) const {
  std::string html;
  Compute(*session_, *plan_, ticker, [&](Connection& connection, PlanRun& run) {
    Statement query =
        run.Compute("FROM \"{0}\" LIMIT " + std::to_string(int64_t{max_rows} + 1), plan_);
    html = connection.RenderHtml(std::move(query), max_rows,
                                 [&] { return FirstRowsText(run, plan_, max_rows); });
  });
  return html;
}

WriteResult DataFrame::WriteParquet(const std::string& path, const WriteOptions& options,
                                    const Ticker& ticker) const {
  return Write(path, "parquet", options, ticker);
}

WriteResult DataFrame::WriteCsv(const std::string& path, const WriteOptions& options,
                                const Ticker& ticker) const {
  return Write(path, "csv", options, ticker);
}

WriteResult DataFrame::WriteJson(const std::string& path, const WriteOptions& options,
                                 const Ticker& ticker) const {
  return Write(path, "json", options, ticker);
}

WriteResult DataFrame::Write(const std::string& path, const std::string& format,
                             const WriteOptions& options, const Ticker& ticker) const {
  std::string target = ResolvePath(path, session_->options().data_dir);
  if (IsOneFile(target, format, *plan_, options))
    return WriteOneFile(target, format, options, ticker);
  auto folder =
      BeginFolder(*session_->Connect(), plan_, target, format, options, session_->options().job_id);
  if (!folder) {
    WriteResult nothing;
    nothing.path = target;
    return nothing;
  }
  StagedFolder staged;
  WithWriteAdvice(options, [&] {
    Compute(*session_, *plan_, ticker, [&](Connection& connection, PlanRun& run) {
      staged = StageFolder(connection, run, plan_, *folder);
    });
  });
  return folder->committer->Commit(std::move(staged.files), staged.num_rows);
}

WriteResult DataFrame::WriteOneFile(const std::string& path, const std::string& format,
                                    const WriteOptions& options, const Ticker& ticker) const {
  FileWrite file(path, format, options, plan_);
  if (!file.has_nothing_to_do()) {
    WithWriteAdvice(options, [&] {
      Compute(
          *session_, *plan_, ticker,
          [&](Connection& connection, PlanRun& run) { file.Stage(connection, run); },
          file.can_run_again());
    });
  }
  return file.Commit();
}

void DataFrame::WriteFile(const std::string& path, const std::string& format,
                          const Ticker& ticker) const {
  WriteOneFile(ResolvePath(path, session_->options().data_dir), format, {}, ticker);
}

std::string DataFrame::Explain(const ExplainOptions& options, const Ticker& ticker) const {
  FrameExplanation explanation;
  Compute(*session_, *plan_, ticker, [&](Connection& connection, PlanRun& run) {
    run.ForgetKept();
    explanation = ExplainFrame(*session_, plan_, options, connection, run);
  });
  return session_->WithoutHidden(options.json ? FormatJson(explanation) : FormatText(explanation));
}

std::string DataFrame::ToString() const {
  std::string text = "DataFrame[";
  for (const auto& column : columns()) {
    if (&column != &columns().front()) text += ", ";
    text += column.name + " " + column.type;
  }
  return text +
         (num_partitions() > 1 ? "] in " + std::to_string(num_partitions()) + " partitions" : "]");
}

}  // namespace smallpond
