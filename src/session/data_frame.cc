#include "smallpond/data_frame.h"

#include "executor/direct_run.h"
#include "executor/lower_plan.h"
#include "executor/write_files.h"
#include "observe/explain.h"
#include "plan/logical_plan.h"
#include "session/run_ticking.h"
#include "session/session_state.h"
#include "smallpond/error.h"
#include "storage/paths.h"

namespace smallpond {
namespace {

constexpr int kPreviewLimit =
    10'000;  // Rows that a preview computes to fit its columns' widths, as DuckDB's own does.

// Runs one action on a connection of its own. An error tells which frame was being computed.
void Act(SessionState& session, const LogicalPlan& plan, const Ticker& ticker,
         const std::function<void(Connection&)>& work) {
  auto connection = session.Connect();
  try {
    RunTicking(*connection, ticker, [&] { work(*connection); });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    throw Error(error.kind(), std::string(error.what()) + "\nWhile computing " + plan.Describe());
  }
}

std::string Megabytes(uint64_t bytes) { return std::to_string(bytes / 1'000'000) + " MB"; }

}  // namespace

DataFrame::DataFrame(std::shared_ptr<SessionState> session, std::shared_ptr<const LogicalPlan> plan)
    : session_(std::move(session)), plan_(std::move(plan)) {}

const std::vector<Column>& DataFrame::columns() const { return plan_->schema().columns(); }

int DataFrame::num_partitions() const { return plan_->partitioning().num_partitions; }

std::string DataFrame::notice() const { return MergeNotice(*plan_); }

DataFrame DataFrame::Repartition(int n, const RepartitionOptions& options) const {
  return DataFrame(session_, PlanRepartition(plan_, n, options));
}

int64_t DataFrame::Count(const Ticker& ticker) const {
  int64_t count = 0;
  Act(*session_, *plan_, ticker, [&](Connection& connection) {
    DirectRun run(connection);
    count = connection.QueryInt64(run.Over("SELECT count(*) FROM \"{0}\"", plan_));
  });
  return count;
}

void DataFrame::ToArrowStream(ArrowArrayStream* out) const {
  auto connection = session_->Connect();
  Statement query = WithExportTypes(DirectRun(*connection).Query(plan_), plan_->schema());
  auto keep_alive =
      std::make_shared<std::pair<std::shared_ptr<SessionState>, PlanRef>>(session_, plan_);
  StreamQuery(std::move(connection), std::move(query), keep_alive, out);
}

void DataFrame::Collect(ArrowArrayStream* out, int64_t limit, const Ticker& ticker) const {
  Act(*session_, *plan_, ticker, [&](Connection& connection) {
    DirectRun run(connection);
    Statement query = limit < 0
                          ? run.Query(plan_)
                          : run.Over("SELECT * FROM \"{0}\" LIMIT " + std::to_string(limit), plan_);
    connection.Collect(WithExportTypes(std::move(query), plan_->schema()), out);
  });
}

std::string DataFrame::ToText(int max_rows, int width, const Ticker& ticker) const {
  std::string text;
  Act(*session_, *plan_, ticker, [&](Connection& connection) {
    DirectRun run(connection);
    Statement query =
        run.Over("SELECT * FROM \"{0}\" LIMIT " + std::to_string(kPreviewLimit), plan_);
    text = connection.RenderText(std::move(query), max_rows, width, kPreviewLimit);
  });
  return text;
}

std::string DataFrame::ToHtml(int max_rows, const Ticker& ticker) const {
  std::string html;
  Act(*session_, *plan_, ticker, [&](Connection& connection) {
    DirectRun run(connection);
    Statement query =
        run.Over("SELECT * FROM \"{0}\" LIMIT " + std::to_string(int64_t{max_rows} + 1), plan_);
    html = connection.RenderHtml(std::move(query), max_rows);
  });
  return html;
}

void DataFrame::WriteParquet(const std::string& path, const Ticker& ticker) const {
  std::string target = ResolvePath(path, session_->options().data_dir);
  Act(*session_, *plan_, ticker,
      [&](Connection& connection) { smallpond::WriteParquet(connection, plan_, target); });
}

void DataFrame::WriteFile(const std::string& path, const std::string& format,
                          const Ticker& ticker) const {
  std::string target = ResolvePath(path, session_->options().data_dir);
  Act(*session_, *plan_, ticker,
      [&](Connection& connection) { smallpond::WriteFile(connection, plan_, target, format); });
}

std::string DataFrame::Explain() const {
  auto& database = session_->database();
  std::string text = "direct: one DuckDB in this process, " +
                     std::to_string(database.limits().threads) + " threads, " +
                     Megabytes(database.MemoryLimitBytes()) + " of memory\n\n" +
                     ExplainSteps(*plan_) + "\n";
  if (NeedsPartitions(*plan_))
    return text +
           "DuckDB's plan depends on the partitions, which are made when the frame is run.\n";
  auto connection = session_->Connect();
  return text + connection->ExplainPlan(DirectRun(*connection).Query(plan_));
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
