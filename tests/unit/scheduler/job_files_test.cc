#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <variant>

#include "error_of.h"
#include "job_log_lines.h"
#include "scheduler/job_directory_files.h"
#include "scheduler/job_log.h"
#include "scheduler/stage_statistics.h"
#include "scratch_folder.h"
#include "storage/files/file_system.h"
#include "storage/job/checked_text.h"
#include "storage/job/job_directory.h"
#include "task/task_report.h"

// A job's folder, its log, and what its tasks report.

namespace smallpond {
namespace {

namespace fs = std::filesystem;

unsigned ModeOf(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

// As if nothing had happened in the folder for so long.
void Age(const std::string& path, int hours) {
  auto then = fs::file_time_type::clock::now() - std::chrono::hours(hours);
  if (fs::exists(path + "/events.jsonl")) fs::last_write_time(path + "/events.jsonl", then);
  fs::last_write_time(path, then);
}

TEST(JobDirectory, BelongsToOneAccountAndGoesWhenAllWentWell) {
  ScratchFolder scratch;
  JobDirectory job(scratch.Path("jobs"), 2);
  JobDirectory other(scratch.Path("jobs"), 0);
  EXPECT_NE(job.path(), other.path());
  EXPECT_EQ(ModeOf(job.path()), 0700u);
  EXPECT_EQ(ModeOf(scratch.Path("jobs")), 0700u);
  WriteNew(job.FragmentPath("abc"), "plan");
  EXPECT_EQ(ModeOf(job.FragmentPath("abc")), 0600u);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { WriteNew(job.FragmentPath("abc"), "other"); }),
                  "File exists");
  JobDirectoryFiles files(job);
  files.WriteOutputs({1, 3, {{2, 10, 100, 1}, {0, 20, 200, UINT64_MAX}}});
  std::ifstream file(job.OutputsPath(1, 3));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  OutputsList list = ParseOutputsList(CheckedList(text, job.OutputsPath(1, 3)), "list");
  EXPECT_EQ(list.stage, 1);
  EXPECT_EQ(list.version, 3);
  ASSERT_EQ(list.files.size(), 2u);
  EXPECT_EQ(list.files[0].attempt, 2);
  EXPECT_EQ(list.files[1].bytes, 200u);
  EXPECT_EQ(list.files[0].file_id, 1u);
  EXPECT_EQ(list.files[1].file_id, UINT64_MAX);
  std::ofstream(job.AttemptPath(1, 0, 2)) << "rows";
  files.RemoveAttempt({1, 0, 2});
  files.RemoveAttempt({1, 0, 2});
  EXPECT_FALSE(fs::exists(job.AttemptPath(1, 0, 2)));
  job.Remove();
  EXPECT_FALSE(fs::exists(job.path()));
  EXPECT_TRUE(fs::exists(other.path()));
}

TEST(JobDirectory, OldFailedJobsGoAndNothingElse) {
  ScratchFolder scratch;
  std::string of_dead_process = "job-20260101T0000001f3a9c02-0123456789abcdef-1-1";
  std::string recent = "job-20260101T0000001f3a9c03-0123456789abcdef-1-1";
  std::string mine = "job-notes";
  for (const auto& name : {of_dead_process, recent, mine}) scratch.Write(name + "/x", "");
  scratch.Write(recent + "/events.jsonl", "{}\n");
  JobDirectory running(scratch.path(), 0);
  Age(running.path(), 24 * 30);
  Age(scratch.Path(of_dead_process), 24 * 7 + 1);
  Age(scratch.Path(recent), 24 * 7 - 1);
  Age(scratch.Path(mine), 24 * 30);
  JobDirectory next(scratch.path(), 0);
  EXPECT_FALSE(fs::exists(scratch.Path(of_dead_process)));
  EXPECT_TRUE(fs::exists(scratch.Path(recent)));
  EXPECT_TRUE(fs::exists(scratch.Path(mine)));
  EXPECT_TRUE(fs::exists(running.path()));
}

// A job of a process that was killed. It is so old, and its files so large.
std::string KilledJob(const ScratchFolder& scratch, int hours, size_t bytes) {
  std::string path;
  {
    JobDirectory job(scratch.path(), 1);
    path = job.path();
    std::ofstream(job.AttemptPath(0, 0, 0)) << std::string(bytes, 'x');
    std::ofstream(job.log_path()) << "{}\n";
  }
  fs::remove(path + "/ended");  // As it is where nobody was there to write it.
  std::string name = path.substr(0, path.rfind('-')) + "-1";
  fs::rename(path, name);
  Age(name, hours);
  return name;
}

TEST(JobDirectory, TheOldestOfTheDeadGoBeyondALimit) {
  ScratchFolder scratch;
  constexpr uint64_t kMB = 1'000'000;
  std::string old = KilledJob(scratch, 30, kMB), middle = KilledJob(scratch, 20, kMB),
              recent = KilledJob(scratch, 10, kMB);
  std::string failed;
  {
    JobDirectory job(scratch.path(), 1, 10 * kMB);
    failed = job.path();
    std::ofstream(job.AttemptPath(0, 0, 0)) << std::string(kMB, 'x');
  }
  JobDirectory running(scratch.path(), 1, 10 * kMB);
  std::ofstream(running.AttemptPath(0, 0, 0)) << std::string(10 * kMB, 'x');
  for (const auto& path : {old, middle, recent, failed}) EXPECT_TRUE(fs::exists(path));
  JobDirectory(scratch.path(), 0, 7 * kMB / 2).Remove();
  EXPECT_FALSE(fs::exists(old));
  for (const auto& path : {middle, recent, failed}) EXPECT_TRUE(fs::exists(path));
  JobDirectory(scratch.path(), 0, 5 * kMB / 2).Remove();
  EXPECT_FALSE(fs::exists(middle)) << "what is noted of the others is their size";
  JobDirectory(scratch.path(), 0, 1).Remove();
  EXPECT_FALSE(fs::exists(recent));
  EXPECT_FALSE(fs::exists(failed)) << "its process runs, but the job has ended";
  EXPECT_TRUE(fs::exists(running.AttemptPath(0, 0, 0)));
}

TEST(JobDirectory, WhatCantBeSeenStaysUntilItIsOld) {
  ScratchFolder scratch;
  for (int hours : {24 * 7 - 1, 24 * 7 + 1}) {
    std::string path = KilledJob(scratch, hours, 1'000'000);
    static const std::regex machine("-[0-9a-f]{16}-");
    std::string elsewhere = std::regex_replace(path, machine, "-0123456789abcdef-");
    fs::rename(path, elsewhere);
    Age(elsewhere, hours);
    JobDirectory(scratch.path(), 0, 1).Remove();
    EXPECT_EQ(fs::exists(elsewhere), hours < 24 * 7);
  }
}

TEST(JobLog, HoldsOneObjectALineAndOnlyWhatIsKnown) {
  ScratchFolder scratch;
  std::string path = scratch.Path("events.jsonl");
  for (const char* event : {"finished", "failed"}) {  // Opened anew, it is added to.
    JobLog log(path);
    JobLogLine line = JobLogLine::Of(event, {1, 2, 0});
    line.rows = 5;
    line.ms = 17;
    line.message = "Line\nbreak, \"quotes\" and \xff";
    log.Write(line);
  }
  auto lines = JobLogLines(path);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("event"), "finished");
  EXPECT_EQ(lines[0].at("task"), 2);
  EXPECT_EQ(lines[0].at("rows"), 5);
  EXPECT_FALSE(lines[0].contains("bytes"));
  EXPECT_FALSE(lines[0].contains("kind"));
  EXPECT_EQ(lines[0].at("time").get<std::string>().size(),
            std::string("2026-11-22T20:36:16.123Z").size());
  EXPECT_CONTAINS(lines[1].at("message").get<std::string>(), "Line\nbreak, \"quotes\" and ");
}

TEST(ParseTaskReport, ReadsResults) {
  for (const char* partitions :
       {"[[1,10],[2,20]]", " [ [1 , 10] ,[2, 20] ]", "[[1,10],[2.0,20]]"}) {
    auto report = ParseTaskReport(std::string(R"({"ok":true,"rows":3,"bytes":30,"partitions":)") +
                                  partitions + R"(,"wall_ms":7,"peak_memory_bytes":99})");
    auto* result = std::get_if<TaskResult>(&report);
    ASSERT_TRUE(result) << partitions << ": " << std::get<TaskFailure>(report).message;
    EXPECT_EQ(result->rows, 3u);
    EXPECT_EQ(result->wall_ms, 7);
    EXPECT_EQ(result->cpu_ms, 0);
    EXPECT_EQ(result->peak_memory_bytes, 99u);
    ASSERT_EQ(result->partitions.size(), 2u) << partitions;
    EXPECT_EQ(result->partitions[1].rows, 2u);
    EXPECT_EQ(result->partitions[1].bytes, 20u);
  }
}

TEST(ParseTaskReport, ReadsWhatTheExchangeFileIsKnownBy) {
  for (uint64_t id : {uint64_t{0}, (uint64_t{1} << 53) + 1, UINT64_MAX}) {
    auto report = ParseTaskReport(FormatTaskReport(TaskResult{.rows = 1, .file_id = id}));
    EXPECT_EQ(std::get<TaskResult>(report).file_id, id);
  }
}

TEST(ParseTaskReport, ReadsFailures) {
  auto failure = std::get<TaskFailure>(
      ParseTaskReport(R"({"ok":false,"error":{"kind":"Io","message":"say \"partitions\":[[1,2]]"},)"
                      R"("lost_input":{"stage":1,"task":2,"attempt":3}})"));
  EXPECT_EQ(failure.kind, ErrorKind::kIo);
  EXPECT_EQ(failure.message, "say \"partitions\":[[1,2]]");
  EXPECT_EQ(failure.lost_input, (TaskId{1, 2, 3}));
  failure = std::get<TaskFailure>(ParseTaskReport(
      R"({"ok":false,"error":{"kind":"UserCode","message":"m"},"lost_input":null})"));
  EXPECT_EQ(failure.kind, ErrorKind::kUserCode);
  EXPECT_FALSE(failure.lost_input);
  for (const char* text : {"", "{", "[]", R"({"ok":1})", R"({"ok":true,"partitions":[[1]]})"}) {
    failure = std::get<TaskFailure>(ParseTaskReport(text));
    EXPECT_EQ(failure.kind, ErrorKind::kInternal) << text;
    EXPECT_CONTAINS(failure.message, text);
  }
}

TEST(StageStatistics, SumsPartitionsAndShowsSkew) {
  StageStatistics statistics(4, 2);
  for (int task = 0; task < 4; ++task) {
    uint64_t rows = task == 3 ? 1000 : 10;
    statistics.Set(task, {.rows = rows,
                          .bytes = rows * 8,
                          .wall_ms = 5,
                          .cpu_ms = 4,
                          .peak_memory_bytes = rows,
                          .partitions = {{rows - 4, 1}, {4, 2}}});
  }
  EXPECT_EQ(statistics.partitions()->at(0).rows, 1030u - 16);
  EXPECT_EQ(statistics.partitions()->at(1).bytes, 8u);
  statistics.Set(0, {.rows = 20, .bytes = 160, .wall_ms = 5, .partitions = {{16, 1}, {4, 2}}});
  StageSummary summary = statistics.Summarize();
  EXPECT_EQ(summary.tasks, 4);
  EXPECT_EQ(summary.rows, 1040u);
  EXPECT_EQ(summary.wall_ms, 20);
  EXPECT_EQ(summary.peak_memory_bytes, 1000u);
  EXPECT_EQ(summary.rows_per_task.min, 10u);
  EXPECT_EQ(summary.rows_per_task.median, 10u);
  EXPECT_EQ(summary.rows_per_task.max, 1000u);
}

TEST(StageStatistics, TellsNoSumsThatARerunMadeWrong) {
  StageStatistics statistics(2, 2);
  const TaskResult first{.rows = 5, .partitions = {{3, 30}, {2, 20}}};
  const TaskResult moved{.rows = 5, .partitions = {{2, 20}, {3, 30}}};
  statistics.Set(0, first);
  statistics.Set(1, first);
  statistics.Set(0, first);
  ASSERT_TRUE(statistics.partitions()) << "the same again";
  EXPECT_EQ(statistics.partitions()->at(0).rows, 6u);
  statistics.Set(0, moved);
  statistics.Set(1, moved);
  EXPECT_FALSE(statistics.partitions());
  statistics.Set(0, first);
  EXPECT_FALSE(statistics.partitions()) << "the other one has moved still";
  statistics.Set(1, first);
  ASSERT_TRUE(statistics.partitions());
  EXPECT_EQ(statistics.partitions()->at(1).bytes, 40u);
  statistics.Set(1, moved);
  statistics.ResetPartitions();
  statistics.Set(0, moved);
  statistics.Set(1, moved);
  ASSERT_TRUE(statistics.partitions());
  EXPECT_EQ(statistics.partitions()->at(0).rows, 4u);
}

}  // namespace
}  // namespace smallpond
