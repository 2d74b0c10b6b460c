#include "executor/thread_executor.h"

#include <stdexcept>

#include "executor_events.h"
#include "gtest/gtest.h"

namespace smallpond {
namespace {

using Kind = TaskEvent::Kind;

std::string RunUntilCancelled(const std::string& /*spec*/, const std::atomic<bool>& cancelled) {
  EXPECT_TRUE(ComesTrue([&] { return cancelled.load(); }));
  return "was cancelled";
}

TEST(ThreadExecutor, RunsEverythingOnce) {
  ThreadExecutor executor(3, [](const std::string& spec, const auto&) { return "ran " + spec; });
  EXPECT_EQ(executor.Slots(), 3);
  std::vector<TaskLaunch> launches;
  for (int i = 0; i < 500; ++i) launches.push_back({{1, i, 2}, std::to_string(i)});
  executor.Submit(launches);
  for (const auto& [id, event] : Ends(executor, 500)) {
    EXPECT_EQ(event.kind, Kind::kFinished);
    EXPECT_EQ(event.report, "ran " + std::to_string(id.task));
  }
  EXPECT_TRUE(executor.Wait(0).empty());
}

TEST(ThreadExecutor, RunsAsManyAtOnceAsItHasThreads) {
  std::atomic<int> running{0};
  ThreadExecutor executor(4, [&](const std::string&, const auto&) {
    ++running;
    EXPECT_TRUE(ComesTrue([&] { return running >= 4; }));
    return "";
  });
  executor.Submit(Launches({"", "", "", ""}));
  Ends(executor, 4);
}

TEST(ThreadExecutor, CancelsWhatRunsAndWhatWaits) {
  ThreadExecutor executor(1, RunUntilCancelled);
  executor.Submit(Launches({"first", "second"}));
  executor.Cancel({0, 1, 0});
  EXPECT_EQ(Ends(executor, 1).at({0, 1, 0}).kind, Kind::kCancelled);
  executor.Cancel({0, 0, 0});
  EXPECT_EQ(Ends(executor, 1).at({0, 0, 0}).kind, Kind::kCancelled);
  executor.Cancel({0, 0, 0});
  executor.Cancel({7, 7, 7});
  EXPECT_TRUE(executor.Wait(0).empty());
}

TEST(ThreadExecutor, MakesAReportOfAnException) {
  ThreadExecutor executor(1, [](const std::string&, const auto&) -> std::string {
    throw std::runtime_error("not \xff text");
  });
  EXPECT_NE(RunOne(executor, "").report.find(R"("kind":"Internal")"), std::string::npos);
}

TEST(ThreadExecutor, CancelsWhatRunsWhenItEnds) {
  ThreadExecutor executor(2, RunUntilCancelled);
  executor.Submit(Launches({"", "", "", ""}));
}

}  // namespace
}  // namespace smallpond
