#include <gtest/gtest.h>

#include "job_play.h"

// Outputs that are lost, and those that are removed.

namespace smallpond {
namespace {

using Actions = JobPlay::Actions;

TEST(JobStateLoss, DeterministicProducerRunsAlone) {
  JobPlay job(Chain({2, 3}), 2);
  job.Finish({0, 0, 0});
  job.Finish({0, 1, 0});
  job.Finish({1, 0, 0});  // 1/1 and 1/2 run.
  EXPECT_EQ(job.MissInput({1, 1, 0}, {0, 1, 0}), (Actions{"launch 0/1/1"}));
  // It read the same list, and is told nothing new.
  EXPECT_EQ(job.MissInput({1, 2, 0}, {0, 1, 0}), (Actions{}));
  EXPECT_EQ(job.Finish({0, 1, 1}), (Actions{"complete 0 v1", "launch 1/1/1", "launch 1/2/1"}));
  EXPECT_EQ(job.inputs.back(), (std::vector<int>{1}));
  EXPECT_EQ(job.state.stage(1).task(1).failures, 0);  // Nobody blames the reader.
  job.Finish({1, 1, 1});
  EXPECT_EQ(job.Finish({1, 2, 1}), (Actions{"complete 1 v0", "finish"}));
}

TEST(JobStateLoss, NondeterministicProducerTakesAllThatStartedWithIt) {
  JobPlay job(Chain({2, 3, 2}, {false, true, true}), 2);
  job.Finish({0, 0, 0});
  job.Finish({0, 1, 0});
  job.Finish({1, 0, 0});
  EXPECT_EQ(job.MissInput({1, 1, 0}, {0, 1, 0}),
            (Actions{"discard 1/0/0", "cancel 1/2/0", "launch 0/1/1"}));
  EXPECT_EQ(job.Finish({1, 2, 0}), (Actions{"discard 1/2/0"}));  // It read the old rows.
  EXPECT_EQ(job.Finish({0, 1, 1}), (Actions{"complete 0 v1", "launch 1/0/1", "launch 1/1/1"}));
}

TEST(JobStateLoss, GoesThroughAllStagesMadeFromTheOldRows) {
  // 0 → 1 → 3
  //  ↘  2 ↗      2 is complete, 3 runs, then outputs of 1 and of 0 are gone.
  StageGraph graph = Chain({1, 1, 1, 2}, {false, true, true, true});
  graph.stages[2].inputs = {{0, ExchangeKind::kHash}};
  graph.stages[3].inputs = {{1, ExchangeKind::kHash}, {2, ExchangeKind::kHash}};
  JobPlay job(graph, 2);
  job.Finish({0, 0, 0});
  job.Finish({1, 0, 0});
  EXPECT_EQ(job.Finish({2, 0, 0}), (Actions{"complete 2 v0", "launch 3/0/0", "launch 3/1/0"}));
  EXPECT_EQ(job.Finish({3, 0, 0}), (Actions{}));
  EXPECT_EQ(job.LoseOutput({0, 0, 0}), (Actions{}));  // Nobody needs it.
  EXPECT_EQ(job.LoseOutput({1, 0, 0}),
            (Actions{"discard 2/0/0", "discard 3/0/0", "cancel 3/1/0", "launch 0/0/1"}));
  EXPECT_EQ(job.Finish({0, 0, 1}), (Actions{"complete 0 v1", "launch 1/0/1", "launch 2/0/1"}));
}

TEST(JobStateLoss, ForwardReachesOneTaskOnly) {
  StageGraph graph = Chain({3, 3, 3}, {false, true, true}, ExchangeKind::kForward);
  JobPlay job(graph, 3);
  for (int task = 0; task < 3; ++task) job.Finish({0, task, 0});
  job.Finish({1, 0, 0});
  EXPECT_EQ(job.MissInput({1, 1, 0}, {0, 1, 0}), (Actions{"launch 0/1/1"}));
  EXPECT_EQ(job.Finish({1, 2, 0}), (Actions{}));  // It goes on.
}

TEST(JobStateLoss, RowsThatWereHandedOutDoNotChange) {
  JobPlay job(Chain({1, 1}, {false, true}));
  job.Finish({0, 0, 0});
  job.Finish({1, 0, 0});
  job.Commit();
  // The result comes again from the same input.
  EXPECT_EQ(job.LoseOutput({1, 0, 0}), (Actions{"launch 1/0/1"}));
  EXPECT_EQ(job.Finish({1, 0, 1}), (Actions{"complete 1 v1", "finish"}));
  // Now the input is gone as well, and would have other rows.
  EXPECT_EQ(job.LoseOutput({0, 0, 0}), (Actions{}));
  EXPECT_EQ(job.LoseOutput({1, 0, 1}), (Actions{"fail Unavailable"}));
  EXPECT_NE(job.message.find("handed out"), std::string::npos);
}

TEST(JobStateLoss, OutputLostAgainAndAgainEndsTheJob) {
  JobPlay job(Chain({1, 1}));
  for (int attempt = 0; attempt < 3; ++attempt) {
    job.Finish({0, 0, attempt});
    job.MissInput({1, 0, attempt}, {0, 0, attempt});
  }
  job.Finish({0, 0, 3});
  EXPECT_EQ(job.MissInput({1, 0, 3}, {0, 0, 3}), (Actions{"fail Io"}));
  EXPECT_EQ(
      job.message,
      "The output of Stage 0, task 0 was lost 4 times. Check the storage that it was written to.");
}

TEST(JobStateLoss, ReaderThatNamesAnAttemptItWasNotGivenFailsLikeAnyOther) {
  JobPlay job(Chain({1, 1}));
  job.Finish({0, 0, 0});
  EXPECT_EQ(job.MissInput({1, 0, 0}, {0, 0, 5}), (Actions{}));
  EXPECT_EQ(job.state.stage(1).task(0).failures, 1);
  EXPECT_EQ(job.Pass(100), (Actions{"launch 1/0/1"}));
  EXPECT_EQ(job.MissInput({1, 0, 1}, {1, 0, 0}), (Actions{}));  // Its own stage is no input.
  EXPECT_EQ(job.state.stage(1).task(0).failures, 2);
}

TEST(JobStateLoss, ReplayableStageIsRemovedOnceItIsRead) {
  JobPlay job(Chain({1, 1, 1, 1}));
  job.Finish({0, 0, 0});
  EXPECT_EQ(job.Finish({1, 0, 0}), (Actions{"complete 1 v0", "remove 0", "launch 2/0/0"}));
  EXPECT_EQ(job.Finish({2, 0, 0}), (Actions{"complete 2 v0", "remove 1", "launch 3/0/0"}));
  // All that led to the lost output runs again, one after the other.
  EXPECT_EQ(job.MissInput({3, 0, 0}, {2, 0, 0}), (Actions{"launch 0/0/1"}));
  EXPECT_EQ(job.Finish({0, 0, 1}), (Actions{"complete 0 v1", "launch 1/0/1"}));
  EXPECT_EQ(job.Finish({1, 0, 1}), (Actions{"complete 1 v1", "remove 0", "launch 2/0/1"}));
  EXPECT_EQ(job.Finish({2, 0, 1}), (Actions{"complete 2 v1", "remove 1", "launch 3/0/1"}));
  EXPECT_EQ(job.Finish({3, 0, 1}), (Actions{"complete 3 v0", "finish"}));
}

TEST(JobStateLoss, NondeterministicStageIsKeptWhileWhatWasMadeFromItIsNeeded) {
  JobPlay job(Chain({1, 1, 1, 1}, {false, true, true, true}));
  job.Finish({0, 0, 0});
  EXPECT_EQ(job.Finish({1, 0, 0}), (Actions{"complete 1 v0", "launch 2/0/0"}));
  // So that the loss of 1 changes no rows.
  EXPECT_EQ(job.MissInput({2, 0, 0}, {1, 0, 0}), (Actions{"launch 1/0/1"}));
  EXPECT_EQ(job.Finish({1, 0, 1}), (Actions{"complete 1 v1", "launch 2/0/1"}));
  EXPECT_EQ(job.Finish({2, 0, 1}), (Actions{"complete 2 v0", "remove 0", "launch 3/0/0"}));
}

TEST(JobStateLoss, ResultLostAfterTheEndRunsAgain) {
  JobPlay job(Chain({1, 2}));
  job.Finish({0, 0, 0});
  job.Finish({1, 0, 0});
  EXPECT_EQ(job.Finish({1, 1, 0}), (Actions{"complete 1 v0", "finish"}));
  EXPECT_EQ(job.LoseOutput({1, 1, 0}), (Actions{"launch 1/1/1"}));
  EXPECT_EQ(job.state.phase(), JobPhase::kRunning);
  EXPECT_EQ(job.Finish({1, 1, 1}), (Actions{"complete 1 v1", "finish"}));
}

TEST(JobStateLoss, WhatTheEndStoppedRunsAgainWhenTheResultIsLost) {
  JobPlay job(Chain({1, 1, 1}));
  job.Finish({0, 0, 0});
  job.Finish({1, 0, 0});
  EXPECT_EQ(job.LoseOutput({1, 0, 0}), (Actions{"launch 0/0/1"}));
  EXPECT_EQ(job.Finish({2, 0, 0}), (Actions{"complete 2 v0", "cancel 0/0/1", "finish"}));
  EXPECT_EQ(job.LoseOutput({2, 0, 0}), (Actions{"launch 0/0/2"}));
}

TEST(JobStateLoss, AGivenStageIsThereStaysAndIsNotMadeAgain) {
  StageGraph graph = Chain({1, 2, 1});
  graph.stages[0].is_given = true;
  graph.stages[0].given_file_id = 99;
  JobPlay job(graph, 2);
  EXPECT_EQ(job.state.stage(0).task(0).file_id, 99u);
  EXPECT_EQ(job.first, (Actions{"complete 0 v0", "launch 1/0/0", "launch 1/1/0"}));
  job.Finish({1, 0, 0});
  EXPECT_EQ(job.Finish({1, 1, 0}), (Actions{"complete 1 v0", "launch 2/0/0"}));  // 0 stays.
  EXPECT_EQ(job.MissInput({2, 0, 0}, {1, 1, 0}), (Actions{"launch 1/1/1"}));
  EXPECT_EQ(job.MissInput({1, 1, 1}, {0, 0, 0}), (Actions{"fail Io"}));
  EXPECT_NE(job.message.find("which this process wrote for the job"), std::string::npos);
}

}  // namespace
}  // namespace smallpond
