#include "scheduler/job_state.h"

#include <gtest/gtest.h>

#include "error_of.h"
#include "job_play.h"

namespace smallpond {
namespace {

using Actions = JobPlay::Actions;

TEST(JobState, LaunchesAsManyAsThereAreSlots) {
  JobPlay job(Chain({3, 1}), 2);
  EXPECT_EQ(job.first, (Actions{"launch 0/0/0", "launch 0/1/0"}));
  EXPECT_EQ(job.Finish({0, 1, 0}), (Actions{"launch 0/2/0"}));
  EXPECT_EQ(job.Slots(1), (Actions{}));
  EXPECT_EQ(job.Finish({0, 0, 0}), (Actions{}));
  EXPECT_EQ(job.Finish({0, 2, 0}), (Actions{"complete 0 v0", "launch 1/0/0"}));
  EXPECT_EQ(job.Finish({1, 0, 0}), (Actions{"complete 1 v0", "finish"}));
  EXPECT_EQ(job.state.phase(), JobPhase::kComplete);
}

TEST(JobState, StageFurthestFromTheSourcesComesFirst) {
  // 0 → 1 ↘
  //     2 → 3
  StageGraph graph = Chain({1, 2, 2, 1});
  graph.stages[2].inputs = {};
  graph.stages[3].inputs = {{1, ExchangeKind::kGather}, {2, ExchangeKind::kGather}};
  JobPlay job(graph, 1);
  EXPECT_EQ(job.first, (Actions{"launch 0/0/0"}));
  EXPECT_EQ(job.Finish({0, 0, 0}), (Actions{"complete 0 v0", "launch 1/0/0"}));
  EXPECT_EQ(job.Finish({1, 0, 0}), (Actions{"launch 1/1/0"}));
  EXPECT_EQ(job.Finish({1, 1, 0}), (Actions{"complete 1 v0", "remove 0", "launch 2/0/0"}));
}

TEST(JobState, StageWithoutTasksIsCompleteAtOnce) {
  JobPlay job(Chain({0, 1}));
  EXPECT_EQ(job.first, (Actions{"complete 0 v0", "launch 1/0/0"}));
}

TEST(JobState, StageThatNobodyReadsIsNotRun) {
  StageGraph graph = Chain({1, 1});
  graph.stages[1].inputs = {};
  EXPECT_EQ(JobPlay(graph).first, (Actions{"launch 1/0/0"}));
}

TEST(JobState, FirstReportCounts) {
  JobPlay job(Chain({1, 1}));
  EXPECT_EQ(job.Lose({0, 0, 0}), (Actions{}));
  EXPECT_EQ(job.Pass(100), (Actions{"launch 0/0/1"}));
  // The lost one was only out of reach.
  EXPECT_EQ(job.Finish({0, 0, 0}), (Actions{"cancel 0/0/1", "complete 0 v0", "launch 1/0/0"}));
  EXPECT_EQ(job.Finish({0, 0, 1}), (Actions{"discard 0/0/1"}));
  EXPECT_EQ(job.Finish({0, 0, 0}), (Actions{}));  // An echo.
  EXPECT_EQ(job.Finish({7, 0, 0}), (Actions{}));  // Of nobody.
}

TEST(JobState, KindDecidesWhetherToRetry) {
  for (ErrorKind kind : {ErrorKind::kIo, ErrorKind::kUnavailable}) {
    JobPlay job(Chain({1}));
    for (int attempt = 0; attempt < 3; ++attempt) {
      EXPECT_EQ(job.Fail({0, 0, attempt}, kind), (Actions{}));
      EXPECT_EQ(job.Pass(100), (Actions{"launch 0/0/" + std::to_string(attempt + 1)}));
    }
    EXPECT_EQ(job.Fail({0, 0, 3}, kind), (Actions{"fail " + std::string(ErrorKindName(kind))}));
    EXPECT_EQ(job.message, "Stage 0, task 0 failed 4 times, the last time: injected");
  }
  for (ErrorKind kind : {ErrorKind::kInvalidInput, ErrorKind::kUnsupported, ErrorKind::kUserCode,
                         ErrorKind::kInternal, ErrorKind::kCancelled}) {
    JobPlay job(Chain({2}));
    EXPECT_EQ(job.Fail({0, 0, 0}, kind),
              (Actions{"cancel 0/1/0", "fail " + std::string(ErrorKindName(kind))}));
    EXPECT_EQ(job.Fail({0, 1, 0}, ErrorKind::kIo), (Actions{}));
    EXPECT_EQ(job.message, "Stage 0, task 0 failed: injected");
  }
}

TEST(JobState, RetriesWaitLongerEachTime) {
  JobLimits limits = JobPlay::TestLimits();
  limits.retry_delay_ms = 200;
  JobPlay job(Chain({1}), 1, limits);
  job.Fail({0, 0, 0}, ErrorKind::kIo);
  EXPECT_EQ(job.Pass(100), (Actions{}));
  EXPECT_EQ(job.Pass(100), (Actions{"launch 0/0/1"}));
  job.Fail({0, 0, 1}, ErrorKind::kIo);
  EXPECT_EQ(job.Pass(300), (Actions{}));
  EXPECT_EQ(job.Pass(100), (Actions{"launch 0/0/2"}));
}

TEST(JobState, OutOfMemoryRetriesOnceWithHalfAsManyAtATime) {
  JobPlay job(Chain({6, 3}), 4);
  EXPECT_EQ(job.Fail({0, 0, 0}, ErrorKind::kOutOfMemory), (Actions{}));
  EXPECT_EQ(job.Fail({0, 1, 0}, ErrorKind::kOutOfMemory), (Actions{}));  // Says nothing new.
  EXPECT_EQ(job.Finish({0, 2, 0}), (Actions{"launch 0/0/1"}));
  EXPECT_EQ(job.Finish({0, 3, 0}), (Actions{"launch 0/1/1"}));
  EXPECT_EQ(job.Finish({0, 0, 1}), (Actions{"launch 0/4/0"}));
  EXPECT_EQ(job.Finish({0, 1, 1}), (Actions{"launch 0/5/0"}));
  EXPECT_EQ(job.Finish({0, 4, 0}), (Actions{}));
  // The next stage begins with all slots.
  EXPECT_EQ(job.Finish({0, 5, 0}),
            (Actions{"complete 0 v0", "launch 1/0/0", "launch 1/1/0", "launch 1/2/0"}));
  job.Fail({1, 0, 0}, ErrorKind::kOutOfMemory);
  job.Finish({1, 1, 0});
  job.Finish({1, 2, 0});
  EXPECT_EQ(job.Fail({1, 0, 1}, ErrorKind::kOutOfMemory), (Actions{"fail OutOfMemory"}));
}

TEST(JobState, SilentAttemptIsReplaced) {
  JobPlay job(Chain({2}));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(job.Pass(100), (Actions{}));
    job.Beat({0, 1, 0});
  }
  EXPECT_EQ(job.Pass(200), (Actions{"launch 0/0/1"}));
  // It may still be the first, and fail without harm.
  EXPECT_EQ(job.Fail({0, 0, 0}, ErrorKind::kIo), (Actions{}));
  EXPECT_EQ(job.Finish({0, 0, 1}), (Actions{}));
}

TEST(JobState, TimeInWhichTheLoopStoodStillDoesNotCount) {
  JobPlay job(Chain({1}));
  job.Pass(100);
  job.now_ms += 100'000;
  EXPECT_EQ(job.Apply({.kind = JobEvent::Kind::kTick}), (Actions{}));
  EXPECT_EQ(job.Pass(800), (Actions{}));
  EXPECT_EQ(job.Pass(400), (Actions{"launch 0/0/1"}));
}

TEST(JobState, GivesUpWithoutWorkers) {
  JobLimits limits = JobPlay::TestLimits();
  limits.no_slots_ms = 2000;
  JobPlay job(Chain({1}), 0, limits);
  EXPECT_EQ(job.Pass(1900), (Actions{}));
  EXPECT_EQ(job.Slots(1), (Actions{"launch 0/0/0"}));
  job.Finish({0, 0, 0});
  JobPlay other(Chain({1}), 0, limits);
  EXPECT_EQ(other.Pass(2100), (Actions{"fail Unavailable"}));
}

TEST(JobState, AttemptsOfAJobAreLimited) {
  JobLimits limits = JobPlay::TestLimits();
  limits.attempts_per_task = 1;
  limits.extra_attempts = 1;
  JobPlay job(Chain({2}), 2, limits);
  job.Fail({0, 0, 0}, ErrorKind::kIo);
  EXPECT_EQ(job.Pass(100), (Actions{"launch 0/0/1"}));
  job.Fail({0, 0, 1}, ErrorKind::kIo);
  EXPECT_EQ(job.Pass(100), (Actions{"cancel 0/1/0", "fail Unavailable"}));
}

TEST(JobState, AbortStopsEverything) {
  JobPlay job(Chain({2, 1}));
  EXPECT_EQ(job.Abort(), (Actions{"cancel 0/0/0", "cancel 0/1/0", "fail Cancelled"}));
  EXPECT_EQ(job.Finish({0, 0, 0}), (Actions{}));
  EXPECT_EQ(job.state.phase(), JobPhase::kFailed);
}

TEST(JobState, RefusesAGraphOutOfOrder) {
  auto error_of = [](const StageGraph& graph) {
    return ErrorOf(ErrorKind::kInternal, [&] { JobState state(graph, {}); });
  };
  EXPECT_CONTAINS(error_of(Chain({3, 2}, {}, ExchangeKind::kForward)), "task by task");
  JobState with_more_tasks(Chain({2, 3}, {}, ExchangeKind::kForward), {});  // Those read nothing.
  StageGraph backward = Chain({1, 1});
  backward.stages[0].inputs = {{1, ExchangeKind::kHash}};
  EXPECT_CONTAINS(error_of(backward), "not before it");
  EXPECT_CONTAINS(error_of({}), "no stages");
}

}  // namespace
}  // namespace smallpond
