#include <gtest/gtest.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "error_of.h"
#include "observe/amounts.h"
#include "observe/explain_json.h"
#include "observe/explain_text.h"
#include "scratch_folder.h"
#include "small_session.h"

namespace smallpond {
namespace {

TEST(Amounts, AreShort) {
  EXPECT_EQ(CountText(1, "row"), "1 row");
  EXPECT_EQ(CountText(999, "row"), "999 rows");
  EXPECT_EQ(CountText(1'000, "row"), "1,000 rows");
  EXPECT_EQ(CountText(1'234'567, "row"), "1,234,567 rows");
  EXPECT_EQ(BytesText(999), "999 bytes");
  EXPECT_EQ(BytesText(1'250), "1.2 kB");
  EXPECT_EQ(BytesText(12'000'000), "12 MB");
  EXPECT_EQ(TimeText(999), "999 ms");
  EXPECT_EQ(TimeText(1'250), "1.2 s");
  EXPECT_EQ(TimeText(210'000), "210 s");
}

// A job of two stages, the first of which had to try one of its tasks again.
FrameExplanation TwoStages() {
  FrameExplanation explanation;
  explanation.road = "processes";
  explanation.workers = 2;
  explanation.steps = {"sql: SELECT 1", "", {{"read_parquet(a)", "1 file", {}}}};
  JobReport job;
  job.graph.stages.resize(2);
  Stage& scan = job.graph.stages[0];
  scan.num_tasks = 3;
  scan.output.num_partitions = 4;
  scan.estimated_rows = 1e6;
  scan.estimated_bytes = 8e6;
  Stage& last = job.graph.stages[1];
  last.id = 1;
  last.inputs = {{0, ExchangeKind::kGather}};
  job.notes = {{{{0, "read_parquet a", 1e6}}, {}},
               {{{0, "order by x", 10}, {1, "stage 0, gather", -1}}, {"ORDER BY"}}};
  job.plan_seconds = 0.012;
  explanation.job = std::move(job);
  return explanation;
}

TEST(Explain, ShowsStages) {
  EXPECT_EQ(FormatText(TwoStages()), R"(processes: 2 workers of 1 thread

sql: SELECT 1
└── read_parquet(a)
        1 file

2 stages, 4 tasks; planned in 12 ms

stage 0: 3 tasks, each writes 4 partitions; estimated 1,000,000 rows, 8.0 MB
  read_parquet a

stage 1: 1 task, the result; estimated 0 rows, 0 bytes
  gathered to one task: ORDER BY
  order by x
    stage 0, gather
)");
}

TEST(Explain, ShowsWhatWasDone) {
  FrameExplanation explanation = TwoStages();
  StageSummary scan;
  scan.tasks = 3;
  scan.rows = 900;
  scan.bytes = 7'000;
  scan.wall_ms = 600;
  scan.cpu_ms = 500;
  scan.peak_memory_bytes = 64'000'000;
  scan.spilled_bytes = 3'000;
  scan.rows_per_task = {100, 300, 500};
  scan.bytes_per_task = {1'000, 2'000, 4'000};
  scan.wall_ms_per_task = {100, 200, 300};
  StageSummary last;
  last.tasks = 1;
  last.rows = 10;
  explanation.job->stages = {scan, last};
  explanation.job->attempts = {4, 1};
  explanation.job->run_seconds = 1.5;
  std::string text = FormatText(explanation);
  EXPECT_CONTAINS(text, "2 stages, 4 tasks; planned in 12 ms, ran in 1.5 s\n");
  EXPECT_CONTAINS(text, R"(8.0 MB
  actual: 900 rows, 7.0 kB; 4 attempts, 600 ms, cpu 500 ms; memory 64 MB, spilled 3.0 kB
  per task, min / median / max: 100 / 300 / 500 rows; 1.0 kB / 2.0 kB / 4.0 kB; )"
                        "100 ms / 200 ms / 300 ms\n  read_parquet a\n");
  EXPECT_CONTAINS(text, "  actual: 10 rows, 0 bytes; 1 attempt, 0 ms,");

  auto json = nlohmann::json::parse(FormatJson(explanation));
  EXPECT_EQ(json.at("plan_ms"), 12);
  EXPECT_EQ(json.at("run_ms"), 1500);
  const auto& actual = json.at("stages").at(0).at("actual");
  EXPECT_EQ(actual.at("attempts"), 4);
  EXPECT_EQ(actual.at("spilled_bytes"), 3'000);
  EXPECT_EQ(actual.at("peak_memory_bytes"), 64'000'000);
  EXPECT_EQ(actual.at("per_task").at("rows").dump(), R"({"max":500,"median":300,"min":100})");
  EXPECT_TRUE(json.at("stages").at(1).at("operators").at(1).at("estimated_rows").is_null());
  EXPECT_EQ(json.at("stages").at(1).at("gathered").dump(), R"(["ORDER BY"])");
}

TEST(Explain, KeepsJsonWholeWhateverIsInNames) {
  FrameExplanation explanation = TwoStages();
  explanation.steps.step = "read_parquet('\xff\"')";
  auto json = nlohmann::json::parse(FormatJson(explanation));
  EXPECT_EQ(json.at("steps").at("step"), "read_parquet('\xEF\xBF\xBD\"')");
}

TEST(Explain, TellsWhatTasksDidInASession) {
  ScratchFolder folder;
  Options options = SmallOptions();
  options.executor = ExecutorKind::kThreads;
  options.partitions = 3;
  options.data_root = folder.path();
  Session session = Session::Init(options);
  auto numbers = session.Sql("SELECT i AS x, i % 7 AS k FROM range(300000) t(i)");
  numbers.Repartition(3).WriteParquet(folder.path() + "/numbers");
  auto groups = session.Sql("SELECT k, count(*) AS n FROM {0} GROUP BY k",
                            {.positional = {session.ReadParquet({folder.path() + "/numbers"})}});
  EXPECT_CONTAINS(groups.Explain(), "aggregate count(*) by k");
  auto json = nlohmann::json::parse(groups.Explain({.analyze = true, .json = true}));
  EXPECT_EQ(json.at("road"), "threads");
  const auto& stages = json.at("stages");
  EXPECT_EQ(stages.front().at("tasks"), 3);
  EXPECT_EQ(stages.front().at("actual").at("rows"), 21);
  EXPECT_EQ(stages.back().at("actual").at("rows"), 7);
  EXPECT_GT(stages.front().at("actual").at("peak_memory_bytes"), 0);
  auto endless = session.Sql("SELECT count(*) FROM range(1000000000000000) t(i) WHERE i % 7 = 3");
  ErrorOf(ErrorKind::kCancelled,
          [&] { endless.Explain({.analyze = true}, [](const Progress&) { return false; }); });
}

}  // namespace
}  // namespace smallpond
