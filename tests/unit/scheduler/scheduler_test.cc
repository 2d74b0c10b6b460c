#include "scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "error_of.h"
#include "executor/thread_executor.h"
#include "job_log_lines.h"
#include "job_play.h"
#include "scheduler/job_directory_files.h"
#include "scratch_folder.h"
#include "storage/files/file_system.h"

// The loop, with threads and a folder on the disk.

namespace smallpond {
namespace {

constexpr const char* kDone =
    R"({"ok":true,"rows":1,"bytes":8,"wall_ms":2,"cpu_ms":1,"file_id":77})";

// Writes its attempt's file, whose path is the spec.
std::string WriteFile(const std::string& path, const std::atomic<bool>&) {
  WriteNew(path, "rows");
  return kDone;
}

// Does nothing until it is asked to stop.
std::string RunUntilCancelled(const std::string&, const std::atomic<bool>& cancelled) {
  while (!cancelled) std::this_thread::yield();
  return R"({"ok":false,"error":{"kind":"Cancelled","message":"stopped"},"lost_input":null})";
}

class SchedulerTest : public ::testing::Test {
 protected:
  Scheduler::Parts PartsFor(Executor& executor) {
    return {executor, files_,
            [this](TaskId id, const std::vector<int>&) {
              return directory_.AttemptPath(id.stage, id.task, id.attempt);
            },
            &log_};
  }

  // The events in the log, without launches.
  std::vector<std::string> Events() const {
    std::vector<std::string> events;
    for (const auto& line : JobLogLines(directory_.log_path())) {
      if (line.at("event") != "launched") events.push_back(line.at("event"));
    }
    return events;
  }

  ScratchFolder scratch_;
  JobDirectory directory_{scratch_.path(), 3};
  JobDirectoryFiles files_{directory_};
  JobLog log_{directory_.log_path()};
};

TEST_F(SchedulerTest, RunsStagesOneAfterTheOther) {
  ThreadExecutor executor(2, WriteFile);
  Scheduler scheduler(Chain({2, 1}), {}, PartsFor(executor));
  scheduler.Run();
  EXPECT_EQ(Events(), (std::vector<std::string>{"finished", "finished", "stage complete",
                                                "finished", "stage complete", "job complete"}));
  OutputsList result = scheduler.Outputs(1);
  EXPECT_EQ(result.version, 0);
  EXPECT_EQ(result.files.at(0).bytes, 8u);
  EXPECT_EQ(result.files.at(0).file_id, 77u);
  EXPECT_TRUE(std::filesystem::exists(directory_.OutputsPath(0, 0)));
  EXPECT_TRUE(std::filesystem::exists(directory_.AttemptPath(1, 0, 0)));
  JobProgress progress = scheduler.Progress();
  EXPECT_EQ(progress.stages.at(0).num_done, 2);
  EXPECT_EQ(progress.stages.at(0).rows, 2u);
  EXPECT_EQ(progress.stages.at(1).num_attempts, 1);
}

TEST_F(SchedulerTest, RemovesFilesOfStagesThatWereRead) {
  ThreadExecutor executor(1, WriteFile);
  Scheduler scheduler(Chain({2, 1, 20}), {}, PartsFor(executor));
  scheduler.Run();
  EXPECT_FALSE(std::filesystem::exists(directory_.AttemptPath(0, 0, 0)));
  EXPECT_FALSE(std::filesystem::exists(directory_.AttemptPath(0, 1, 0)));
  EXPECT_TRUE(scheduler.Progress().stages.at(0).removed);
  EXPECT_EQ(scheduler.Progress().stages.at(0).num_done, 2);
}

TEST_F(SchedulerTest, FirstErrorEndsTheJob) {
  ThreadExecutor executor(2, [](const std::string&, const std::atomic<bool>&) {
    return std::string(R"({"ok":false,"error":{"kind":"UserCode","message":"no such thing"}})");
  });
  StageGraph graph = Chain({3});
  graph.stages[0].description = "map";
  Scheduler scheduler(graph, {}, PartsFor(executor));
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kUserCode, [&] { scheduler.Run(); }),
                  "(map) failed: no such thing");
  EXPECT_EQ(Events().back(), "job failed");
  // It stays failed.
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kUserCode, [&] { scheduler.Run(); }), "no such thing");
}

TEST_F(SchedulerTest, ObserverStopsTheJob) {
  ThreadExecutor executor(2, RunUntilCancelled);
  auto parts = PartsFor(executor);
  parts.observer = [](const JobProgress& progress) {
    return progress.stages.at(0).num_running < 2;
  };
  Scheduler scheduler(Chain({3}), {}, parts);
  auto start = std::chrono::steady_clock::now();
  ErrorOf(ErrorKind::kCancelled, [&] { scheduler.Run(); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  EXPECT_EQ(Events(), (std::vector<std::string>{"cancelled", "cancelled", "job failed"}));
}

TEST_F(SchedulerTest, WhatTheObserverThrowsComesOut) {
  ThreadExecutor executor(1, RunUntilCancelled);
  auto parts = PartsFor(executor);
  parts.observer = [](const JobProgress&) -> bool {
    throw std::runtime_error("KeyboardInterrupt");
  };
  Scheduler scheduler(Chain({1}), {}, parts);
  EXPECT_THROW(scheduler.Run(), std::runtime_error);
  EXPECT_EQ(Events(), (std::vector<std::string>{"cancelled", "job failed"}));
}

TEST_F(SchedulerTest, WhatMakesNoSpecEndsTheJob) {
  ThreadExecutor executor(1, WriteFile);
  auto parts = PartsFor(executor);
  parts.make_spec = [](TaskId, const std::vector<int>&) -> std::string {
    throw Error(ErrorKind::kInternal, "no fragment");
  };
  Scheduler scheduler(Chain({1}), {}, parts);
  EXPECT_EQ(ErrorOf(ErrorKind::kInternal, [&] { scheduler.Run(); }), "no fragment");
}

/// Only remembers what it was asked for.
class RecordingExecutor : public Executor {
 public:
  int Slots() const override { return 2; }
  void Submit(std::vector<TaskLaunch> launches) override {
    for (const TaskLaunch& launch : launches) submitted.push_back(launch.id);
  }
  std::vector<TaskEvent> Wait(int) override { return {}; }
  void Cancel(TaskId id) override { cancelled.push_back(id); }

  std::vector<TaskId> submitted;
  std::vector<TaskId> cancelled;
};

TEST_F(SchedulerTest, LogOnAFullDiskEndsTheJobBeforeItBegins) {
  RecordingExecutor executor;
  JobLog full("/dev/full");
  auto parts = PartsFor(executor);
  parts.log = &full;
  Scheduler scheduler(Chain({3}), {}, parts);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { scheduler.Run(); }), "No space left");
  EXPECT_EQ(executor.submitted, std::vector<TaskId>{});
}

TEST_F(SchedulerTest, ListOfOutputsThatCanNotBeWrittenEndsTheJob) {
  ThreadExecutor executor(1, WriteFile);
  WriteNew(directory_.OutputsPath(0, 0), "of another");
  Scheduler scheduler(Chain({1, 1}), {}, PartsFor(executor));
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { scheduler.Run(); }), "outputs-0.json");
}

TEST_F(SchedulerTest, ResultThatIsGoneIsComputedAgain) {
  ThreadExecutor executor(2, WriteFile);
  Scheduler scheduler(Chain({2, 2}), {}, PartsFor(executor));
  scheduler.Run();
  std::filesystem::remove(directory_.AttemptPath(1, 1, 0));
  scheduler.ReportLost({{1, 1, 0}});
  scheduler.Run();
  OutputsList result = scheduler.Outputs(1);
  EXPECT_EQ(result.files.at(0).attempt, 0);
  EXPECT_EQ(result.files.at(1).attempt, 1);
  EXPECT_TRUE(std::filesystem::exists(directory_.AttemptPath(1, 1, 1)));
}

}  // namespace
}  // namespace smallpond
