// What a task is told: a spec of bounded size, and lists of any length beside it.

#include "task/task_spec.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "action/input_lists.h"
#include "error_of.h"
#include "planner/stage_plan.h"
#include "scratch_folder.h"
#include "storage/files/file_system.h"
#include "storage/job/checked_text.h"

namespace smallpond {
namespace {

constexpr int kInputs = 2000;

// Stages 0 to kInputs - 1, and one that reads all of them.
StagePlan WidePlan() {
  StagePlan plan;
  Stage last;
  StagePlan::Work work;
  for (int i = 0; i < kInputs; ++i) {
    Stage stage;
    stage.id = i;
    stage.output.num_partitions = 7;
    plan.graph.stages.push_back(stage);
    plan.work.emplace_back();
    ExchangeKind kind = i % 2 == 0 ? ExchangeKind::kHash : ExchangeKind::kForward;
    last.inputs.push_back({i, kind});
    work.inputs.push_back({100 + i, i, kind});
  }
  last.id = kInputs;
  last.num_tasks = 7;
  plan.graph.stages.push_back(last);
  plan.work.push_back(work);
  return plan;
}

TEST(TaskSpec, StaysSmallWhateverTheTaskReads) {
  StagePlan plan = WidePlan();
  TaskSpec spec = SpecOf(plan, {kInputs, 3, 1}, 12, "/jobs/job-1");
  std::string text = FormatTaskSpec(spec);
  EXPECT_LE(text.size(), 400u);
  TaskSpec read = ParseTaskSpec(text);
  EXPECT_EQ(read.inputs_version, 12);
  EXPECT_EQ(read.partition_begin, 3u);
  EXPECT_EQ(read.partition_end, 4u);
}

TEST(TaskSpec, SaysThatAPathIsTooLongOrNoText) {
  StagePlan plan = WidePlan();
  auto error = [&](const std::string& folder) {
    return ErrorOf(ErrorKind::kUnsupported,
                   [&] { FormatTaskSpec(SpecOf(plan, {0, 0, 0}, -1, folder)); });
  };
  EXPECT_CONTAINS(error("/" + std::string(4000, 'd')), "4001 bytes");
  EXPECT_CONTAINS(error("/jobs/\xff"), "not UTF-8");
}

TEST(InputLists, AreWrittenAnewWhereAnInputIsAnother) {
  ScratchFolder scratch;
  StagePlan plan = WidePlan();
  JobDirectory job(scratch.Path("jobs"), kInputs + 1);
  InputLists lists(plan, job);
  std::vector<int> versions(kInputs, 0);
  EXPECT_EQ(lists.VersionOf(kInputs, versions), 0);
  EXPECT_EQ(lists.VersionOf(kInputs, versions), 0);
  versions[1234] = 5;
  EXPECT_EQ(lists.VersionOf(kInputs, versions), 1);
  EXPECT_EQ(lists.VersionOf(0, {}), -1);
  std::string path = job.path() + "/" + InputsFileName(kInputs, 1);
  std::stringstream file;
  file << std::ifstream(path).rdbuf();
  InputList list = ParseInputList(CheckedList(file.str(), path), path);
  ASSERT_EQ(list.inputs.size(), static_cast<size_t>(kInputs));
  EXPECT_EQ(list.inputs[1234].id, 1334);
  EXPECT_EQ(list.inputs[1234].stage, 1234);
  EXPECT_EQ(list.inputs[1234].version, 5);
  EXPECT_EQ(list.inputs[1235].kind, ExchangeKind::kForward);
  EXPECT_EQ(list.inputs[1235].num_partitions, 7u);
  EXPECT_EQ(list.inputs[1235].content, "");
}

TEST(InputLists, HoldSmallFilesOfGivenStages) {
  ScratchFolder scratch;
  StagePlan plan = WidePlan();
  for (int stage : {3, 4, 5, 6}) plan.graph.stages[static_cast<size_t>(stage)].is_given = true;
  JobDirectory job(scratch.Path("jobs"), kInputs + 1);
  const std::string most(InputLists::kMaxContentBytes - 4, 'm');
  std::map<int, std::string> files = {
      {2, "not given"}, {3, {"a\0\xff\n", 4}}, {4, most}, {5, "too many"}};
  for (const auto& [stage, content] : files) WriteNew(job.AttemptPath(stage, 0, 0), content);
  InputLists lists(plan, job);
  lists.VersionOf(kInputs, std::vector<int>(kInputs, 0));
  std::string path = job.path() + "/" + InputsFileName(kInputs, 0);
  std::stringstream file;
  file << std::ifstream(path).rdbuf();
  InputList list = ParseInputList(CheckedList(file.str(), path), path);
  EXPECT_EQ(list.inputs[2].content, "");
  EXPECT_EQ(list.inputs[3].content, files[3]);
  EXPECT_EQ(list.inputs[4].content, most);
  EXPECT_EQ(list.inputs[5].content, "") << "a task opens it";
  EXPECT_EQ(list.inputs[6].content, "") << "a task finds out that it is gone";
}

}  // namespace
}  // namespace smallpond
