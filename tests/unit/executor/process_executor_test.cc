#include "executor/process_executor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <set>
#include <thread>

#include "error_of.h"
#include "executor_events.h"
#include "scratch_folder.h"
#include "stand_in_options.h"

namespace smallpond {
namespace {

using Kind = TaskEvent::Kind;

auto NumOpenFiles() {
  std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

TEST(ProcessExecutor, RunsManySmallTasks) {
  constexpr int kTasks = 1000;
  ProcessExecutor executor(StandInOptions(2, 2));
  RunOne(executor, "echo once so that the workers are there");
  std::vector<TaskLaunch> launches;
  for (int i = 0; i < kTasks; ++i) launches.push_back({{0, i, 0}, "echo " + std::to_string(i)});
  auto start = std::chrono::steady_clock::now();
  executor.Submit(launches);
  auto ends = Ends(executor, kTasks);
  std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  for (const auto& [id, event] : ends) {
    EXPECT_EQ(event.kind, Kind::kFinished);
    EXPECT_EQ(event.report, "echo " + std::to_string(id.task));
  }
  std::printf("%d tasks took %.0f ms\n", kTasks, took.count());
}

TEST(ProcessExecutor, RunsAsManyAtOnceAsItHasSlots) {
  ScratchFolder folder;
  ProcessExecutor executor(StandInOptions(2, 3));
  EXPECT_EQ(executor.Slots(), 0);
  executor.Submit(Launches(std::vector<std::string>(6, "meet " + folder.path() + " 6")));
  Ends(executor, 6);
  EXPECT_EQ(executor.Slots(), 6);
  executor.Submit({{{1, 0, 0}, "crash"}});
  Ends(executor, 1);
  EXPECT_EQ(executor.Slots(), 3);
  EXPECT_TRUE(ComesTrue([&] { return executor.Wait(100).empty() && executor.Slots() == 6; }));
}

TEST(ProcessExecutor, SpreadsAttemptsOverProcessesOfTheirOwn) {
  ProcessExecutor executor(StandInOptions(3));
  auto pids = executor.WorkerPids();
  std::vector<TaskLaunch> launches = Launches(std::vector<std::string>(60, "pid"));
  executor.Submit(launches);
  std::set<std::string> expected, seen;
  for (pid_t pid : pids) expected.insert(std::to_string(pid));
  for (const auto& [id, event] : Ends(executor, 60)) seen.insert(event.report);
  for (const auto& pid : seen) EXPECT_TRUE(expected.contains(pid)) << pid;
  EXPECT_FALSE(seen.contains(std::to_string(getpid())));
}

TEST(ProcessExecutor, SaysThatAnAttemptRuns) {
  ProcessExecutor executor(StandInOptions());
  executor.Submit(Launches({"wait"}));
  auto event = NextEvent(executor, [](const TaskEvent&) { return true; });
  EXPECT_EQ(event.kind, Kind::kHeartbeat);
  EXPECT_EQ(event.id, (TaskId{0, 0, 0}));
}

TEST(ProcessExecutor, CancelsWhatRunsAndWhatWaits) {
  ProcessExecutor executor(StandInOptions());
  executor.Submit(Launches({"wait", "wait", "echo third"}));
  NextEvent(executor, [](const TaskEvent& event) { return event.kind == Kind::kHeartbeat; });
  executor.Cancel({0, 1, 0});
  EXPECT_EQ(Ends(executor, 1).at({0, 1, 0}).kind, Kind::kCancelled);
  executor.Cancel({0, 0, 0});
  executor.Cancel({0, 0, 0});
  executor.Cancel({7, 7, 7});
  auto ends = Ends(executor, 2);
  EXPECT_EQ(ends.at({0, 0, 0}).kind, Kind::kCancelled);
  EXPECT_EQ(ends.at({0, 2, 0}).report, "echo third");
}

TEST(ProcessExecutor, TakesBigReports) {
  ProcessExecutor executor(StandInOptions(2, 2));
  executor.Submit(Launches(std::vector<std::string>(8, "big 16000000")));
  for (const auto& [id, event] : Ends(executor, 8)) EXPECT_EQ(event.report.size(), 16'000'000u);
  auto refused = RunOne(executor, "big 16000001");
  EXPECT_EQ(refused.kind, Kind::kFinished);
  EXPECT_CONTAINS(refused.report, R"("kind":"Internal")");
  EXPECT_CONTAINS(refused.report, "16000001 bytes");
}

TEST(ProcessExecutor, MakesAReportOfAnException) {
  ProcessExecutor executor(StandInOptions());
  EXPECT_CONTAINS(RunOne(executor, "throw").report, "the stand-in threw");
}

TEST(ProcessExecutor, TwoLiveSideBySide) {
  auto one = std::make_unique<ProcessExecutor>(StandInOptions(2));
  ProcessExecutor other(StandInOptions(2));
  auto pids = one->WorkerPids();
  one->Submit(Launches({"wait", "wait"}));
  other.Submit(Launches({"wait", "echo other"}));
  EXPECT_EQ(Ends(other, 1).at({0, 1, 0}).report, "echo other");
  one.reset();
  for (pid_t pid : pids) EXPECT_TRUE(IsGone(pid));
  other.Cancel({0, 0, 0});
  EXPECT_EQ(Ends(other, 1).at({0, 0, 0}).kind, Kind::kCancelled);
}

// Otherwise a worker would not see the end of its driver while another driver's worker lives.
TEST(ProcessExecutor, KeepsItsSocketsToItself) {
  auto num_sockets = [](ProcessExecutor& executor) {
    int count = 0;
    std::string folder = "/proc/" + RunOne(executor, "pid").report + "/fd";
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      count += std::filesystem::read_symlink(file).string().starts_with("socket:");
    }
    return count;
  };
  ProcessExecutor one(StandInOptions());
  ProcessExecutor other(StandInOptions());
  EXPECT_GE(num_sockets(one), 1);
  EXPECT_EQ(num_sockets(one), num_sockets(other));
}

TEST(ProcessExecutor, LeavesNoFileOpen) {
  ScratchFolder folder;
  auto before = NumOpenFiles();
  for (int i = 0; i < 3; ++i) {
    ProcessExecutorOptions options = StandInOptions(2, 2);
    options.log_folder = folder.path();
    ProcessExecutor executor(options);
    EXPECT_EQ(RunOne(executor, "exit 1").kind, Kind::kLost);
    RunOne(executor, "echo again");
    EXPECT_GT(NumOpenFiles(), before);
  }
  EXPECT_EQ(NumOpenFiles(), before);
}

TEST(ProcessExecutor, EndsTidilyWhateverRuns) {
  ScratchFolder folder;
  std::vector<std::string> specs{"wait", "big 16000000", "deaf", "child " + folder.Path("child")};
  for (const std::string& spec : specs) {
    ProcessExecutorOptions options = StandInOptions(1, 4);
    options.shutdown_timeout_ms = spec == "deaf" ? 200 : 60'000;
    auto executor = std::make_unique<ProcessExecutor>(options);
    pid_t pid = executor->WorkerPids()[0];
    RunOne(*executor, "echo it is there");
    executor->Submit(Launches({spec, spec, "echo one more"}));
    if (spec.starts_with("child")) {
      EXPECT_TRUE(ComesTrue([&] { return std::filesystem::exists(folder.Path("child")); }));
    }
    executor.reset();
    EXPECT_TRUE(IsGone(pid)) << spec;
  }
  EXPECT_TRUE(ComesTrue([&] { return IsGone(std::stoi(folder.Read("child"))); }));
}

TEST(ProcessExecutor, AKeyboardInterruptIsTheDriversBusiness) {
  ProcessExecutor executor(StandInOptions());
  std::string pid = RunOne(executor, "pid").report;
  EXPECT_NE(getpgid(std::stoi(pid)), getpgrp());
  kill(std::stoi(pid), SIGINT);
  EXPECT_EQ(RunOne(executor, "pid").report, pid);
}

// The kernel sends a parent-death signal already when the thread ends that started the process.
TEST(ProcessExecutor, WorkersOutliveTheThreadThatStartedThem) {
  std::unique_ptr<ProcessExecutor> executor;
  std::string pid;
  std::thread([&] {
    executor = std::make_unique<ProcessExecutor>(StandInOptions());
    pid = RunOne(*executor, "pid").report;
  }).join();
  EXPECT_EQ(RunOne(*executor, "pid").report, pid);
  executor->Submit(Launches({"wait"}));
  EXPECT_EQ(NextEvent(*executor, [](const auto&) { return true; }).kind, Kind::kHeartbeat);
}

TEST(ProcessExecutor, AddsToTheEnvironment) {
  ProcessExecutorOptions options = StandInOptions();
  options.command = {"sh", "-c", "exec \"$STAND_IN\""};
  options.environment = {"STAND_IN=" STAND_IN_WORKER};
  ProcessExecutor executor(options);
  EXPECT_EQ(RunOne(executor, "echo here").report, "echo here");
}

}  // namespace
}  // namespace smallpond
