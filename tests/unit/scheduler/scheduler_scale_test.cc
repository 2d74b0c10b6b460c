#include <gtest/gtest.h>

#include <ctime>
#include <deque>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include "scheduler/job_directory_files.h"
#include "scheduler/scheduler.h"
#include "scratch_folder.h"

// Half a million tasks: what the driver's time and memory grow with.

namespace smallpond {
namespace {

constexpr int kTasks = 150'000;  // Of each of the three stages.
constexpr int kPartitions = 1'000;
constexpr int kSlots = 2'000;

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double PeakMemoryGb() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "VmHWM:") continue;
    double kb = 0;
    status >> kb;
    return kb / 1e6;
  }
  return 0;
}

// Two shuffles: scan → aggregate → sort, each task with a row count for each partition it writes.
StageGraph LargeGraph() {
  StageGraph graph;
  graph.stages.push_back({.id = 0,
                          .inputs = {},
                          .num_tasks = kTasks,
                          .output = {.num_partitions = kPartitions},
                          .deterministic = false,
                          .fragment = "scan",
                          .description = "scan"});
  graph.stages.push_back({.id = 1,
                          .inputs = {{0, ExchangeKind::kHash}},
                          .num_tasks = kTasks,
                          .output = {.num_partitions = kPartitions},
                          .fragment = "aggregate",
                          .description = "aggregate"});
  graph.stages.push_back({.id = 2,
                          .inputs = {{1, ExchangeKind::kRange}},
                          .num_tasks = kTasks,
                          .output = {},
                          .fragment = "sort",
                          .description = "sort"});
  return graph;
}

std::string Report(std::mt19937& random, int partitions) {
  std::ostringstream text;
  text << R"({"ok":true,"rows":1000000,"bytes":100000000,"wall_ms":)" << 5000 + random() % 5000
       << R"(,"cpu_ms":9000,"peak_memory_bytes":800000000,"spilled_bytes":0,"partitions":[)";
  for (int i = 0; i < partitions; ++i) {
    text << (i ? "," : "") << "[" << 900 + random() % 200 << "," << 90'000 + random() % 20'000
         << "]";
  }
  text << "]}";
  return text.str();
}

/// Ends every attempt at once with a report of the usual size; one in a thousand is lost.
class EchoExecutor : public Executor {
 public:
  EchoExecutor() {
    for (int i = 0; i < 100; ++i) reports_.push_back(Report(random_, kPartitions));
    last_report_ = Report(random_, 1);
  }
  int Slots() const override { return kSlots; }
  void Submit(std::vector<TaskLaunch> launches) override {
    for (const TaskLaunch& launch : launches) waiting_.push_back(launch.id);
    num_attempts += static_cast<int>(launches.size());
  }
  std::vector<TaskEvent> Wait(int) override {
    std::vector<TaskEvent> events;
    for (int i = 0; i < 500 && !waiting_.empty(); ++i) {
      TaskId id = waiting_.front();
      waiting_.pop_front();
      bool lost = random_() % 1000 == 0;
      events.push_back({lost ? TaskEvent::Kind::kLost : TaskEvent::Kind::kFinished, id,
                        lost            ? "gone"
                        : id.stage == 2 ? last_report_
                                        : reports_[random_() % reports_.size()]});
    }
    return events;
  }
  void Cancel(TaskId) override {}

  int num_attempts = 0;

 private:
  std::mt19937 random_{7};
  std::vector<std::string> reports_;
  std::string last_report_;
  std::deque<TaskId> waiting_;
};

TEST(SchedulerScale, SlowHalfAMillionTasks) {
  ScratchFolder scratch;
  JobDirectory directory(scratch.path(), 3);
  JobDirectoryFiles files(directory);
  JobLog log(directory.log_path());
  EchoExecutor executor;
  double before = CpuSeconds();
  Scheduler scheduler(
      LargeGraph(), {},
      {executor, files, [](TaskId, const std::vector<int>&) { return std::string(2'000, 's'); },
       &log, [](const JobProgress&) { return true; }});
  scheduler.Run();
  double cpu_seconds = CpuSeconds() - before;
  double memory_gb = PeakMemoryGb();
  std::cout << 3 * kTasks << " tasks, " << executor.num_attempts << " attempts, " << kPartitions
            << " partitions: " << cpu_seconds << " s of CPU, peak " << memory_gb << " GB\n";
  for (int stage = 0; stage < 3; ++stage) {
    StageSummary summary = scheduler.state().stage(stage).statistics.Summarize();
    EXPECT_EQ(summary.tasks, kTasks);
    EXPECT_EQ(summary.rows, 1'000'000ull * kTasks);
    EXPECT_GE(summary.wall_ms_per_task.median, 5000u);
  }
  EXPECT_GT(executor.num_attempts, 3 * kTasks);
  EXPECT_LT(cpu_seconds, 60);
  EXPECT_LT(memory_gb, 2);
}

}  // namespace
}  // namespace smallpond
