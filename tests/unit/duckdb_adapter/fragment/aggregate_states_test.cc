// States of aggregates that come from elsewhere.

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "action/input_lists.h"
#include "duckdb_adapter/exchange/exchange_write.h"
#include "duckdb_adapter/fragment/run_fragment.h"
#include "error_of.h"
#include "planner/stage_plan.h"
#include "scratch_folder.h"
#include "storage/files/file_system.h"
#include "storage/job/checked_text.h"
#include "storage/job/job_directory.h"
#include "worker/worker.h"

namespace smallpond {
namespace {

TEST(AggregateStates, OfAnotherSizeAreAnError) {
  ScratchFolder folder;
  DatabaseLimits limits;
  limits.memory_bytes = 500'000'000;
  Database database(limits);
  PrepareForStages(database);
  Connection connection(database);
  auto run = [&](const std::string& sql) { connection.Run(Statement::Parse(sql)); };
  for (const char* file : {"a", "b"}) {
    run("COPY (SELECT i::INTEGER AS i FROM range(9) r(i)) TO '" +
        folder.Path(std::string(file) + ".parquet") + "'");
  }
  StageOptions options;
  options.partitions = 2;
  options.split.exactly = 2;
  const ScanDivision::Connect connect = [&] { return std::make_unique<Connection>(database); };
  StagePlanner planner(connection, connect, options);
  StagePlan plan =
      planner.Finish(Statement::ParseQuery("SELECT avg(i) FROM '" + folder.path() + "/*.parquet'"));
  ASSERT_EQ(plan.graph.stages[1].inputs.size(), 1u);
  JobDirectory job(folder.Path("jobs"), static_cast<int>(plan.graph.stages.size()));
  WriteNew(job.FragmentPath(plan.graph.stages[1].fragment), plan.work[1].fragment);
  run("COPY (SELECT 'abc'::BLOB) " + ExchangeCopyTarget(job.AttemptPath(0, 0, 0), {}));
  OutputsList outputs{0, 0, {{0, 1, 1, TakeExchangeWriteSummary(connection)->file_id}}};
  WriteNew(job.OutputsPath(0, 0), WithChecksum(FormatOutputsList(outputs), job.OutputsPath(0, 0)));
  InputLists lists(plan, job);
  Worker worker(connect);
  std::atomic<bool> cancelled{false};
  std::string spec = FormatTaskSpec(SpecOf(plan, {1, 0, 0}, lists.VersionOf(1, {0}), job.path()));
  std::string report = worker.Run(spec, cancelled);
  EXPECT_CONTAINS(report, "A state of avg has 3 bytes and not ");
  EXPECT_CONTAINS(report, "\"kind\":\"Internal\"");
  EXPECT_FALSE(connection.IsBroken());
}

}  // namespace
}  // namespace smallpond
