#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>
#include <set>

#include "error_of.h"
#include "executor/process_executor.h"
#include "executor_events.h"
#include "scratch_folder.h"
#include "stand_in_options.h"

namespace smallpond {
namespace {

using Kind = TaskEvent::Kind;

TEST(WorkerDeath, LosesItsAttemptsAndOnlyThose) {
  ScratchFolder folder;
  ProcessExecutor executor(StandInOptions(2, 2));
  std::string file = folder.Path("go");
  executor.Submit(Launches(std::vector<std::string>(4, "wait " + file)));
  std::set<TaskId> alive;
  while (alive.size() < 4) {
    for (const auto& event : executor.Wait(1000)) alive.insert(event.id);
  }
  kill(executor.WorkerPids()[0], SIGKILL);
  for (const auto& [id, event] : Ends(executor, 2)) {
    EXPECT_EQ(event.kind, Kind::kLost);
    EXPECT_CONTAINS(event.report, "was killed by signal 9");
  }
  folder.Write("go", "");
  for (const auto& [id, event] : Ends(executor, 2)) EXPECT_EQ(event.kind, Kind::kFinished);
  EXPECT_EQ(RunOne(executor, "echo on").report, "echo on");
}

TEST(WorkerDeath, IsToldHowItHappened) {
  for (auto [spec, what] : {std::pair{"exit 3", "exited with status 3"},
                            {"crash", "was killed by signal 9"},
                            {"close", "did not end"}}) {
    ProcessExecutor executor(StandInOptions());
    auto pid = executor.WorkerPids()[0];
    auto event = RunOne(executor, spec);
    EXPECT_EQ(event.kind, Kind::kLost);
    EXPECT_CONTAINS(event.report, "Worker process " + std::to_string(pid) + " " + what);
    EXPECT_TRUE(IsGone(pid));
    EXPECT_EQ(RunOne(executor, "echo on").report, "echo on");
  }
}

TEST(WorkerDeath, AtAnyTimeEveryAttemptEndsOnce) {
  constexpr int kTasks = 400;
  for (unsigned seed : {1u, 2u, 3u}) {
    std::mt19937 random(seed);
    ProcessExecutorOptions options = StandInOptions(3, 2);
    options.max_worker_restarts = 1000;
    ProcessExecutor executor(options);
    std::vector<TaskLaunch> launches;
    for (int i = 0; i < kTasks; ++i) launches.push_back({{0, i, 0}, "echo " + std::to_string(i)});
    executor.Submit(launches);
    std::set<TaskId> open;
    for (const auto& launch : launches) open.insert(launch.id);
    int num_finished = 0, num_killed = 0;
    while (num_finished < kTasks) {
      for (const auto& event : executor.Wait(1000)) {
        if (!IsEnd(event)) continue;
        ASSERT_EQ(open.erase(event.id), 1u) << "ended twice, or never submitted";
        if (event.kind == Kind::kFinished) {
          EXPECT_EQ(event.report, "echo " + std::to_string(event.id.task));
          ++num_finished;
        } else {
          TaskId again{0, event.id.task, event.id.attempt + 1};
          open.insert(again);
          executor.Submit({{again, "echo " + std::to_string(event.id.task)}});
        }
      }
      if (random() % 3 == 0 && num_killed < 60) {
        auto pids = executor.WorkerPids();
        kill(pids[random() % pids.size()], SIGKILL);
        ++num_killed;
      }
    }
    EXPECT_TRUE(open.empty());
    EXPECT_GT(num_killed, 0);
  }
}

// A program may have its children taken away as they end: then how they ended is unknown.
TEST(WorkerDeath, IsNoticedWhereChildrenAreIgnored) {
  auto previous = std::signal(SIGCHLD, SIG_IGN);
  {
    ProcessExecutor executor(StandInOptions());
    auto pid = executor.WorkerPids()[0];
    auto event = RunOne(executor, "crash");
    EXPECT_EQ(event.kind, Kind::kLost);
    EXPECT_EQ(event.report, "Worker process " + std::to_string(pid) + " ended.");
    EXPECT_EQ(RunOne(executor, "echo on").report, "echo on");
  }
  std::signal(SIGCHLD, previous);
}

TEST(WorkerDeath, AgainAndAgainIsAnError) {
  ScratchFolder folder;
  ProcessExecutorOptions options = StandInOptions();
  options.log_folder = folder.path();
  options.max_worker_restarts = 2;
  ProcessExecutor executor(options);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(RunOne(executor, "exit 7").kind, Kind::kLost);
  for (int i = 0; i < 2; ++i) {
    std::string text = ErrorOf(ErrorKind::kUnavailable, [&] { executor.Wait(1000); });
    EXPECT_CONTAINS(text, "died 3 times");
    EXPECT_CONTAINS(text, "exited with status 7");
    EXPECT_CONTAINS(text, folder.Path("worker-2.log"));
    EXPECT_CONTAINS(text, "exit was asked for");
  }
  EXPECT_EQ(folder.List(),
            (std::vector<std::string>{"worker-0.log", "worker-1.log", "worker-2.log"}));
}

TEST(WorkerDeath, CountsInARowInOneJob) {
  ProcessExecutorOptions options = StandInOptions();
  options.max_worker_restarts = 2;
  ProcessExecutor executor(options);
  for (int job = 0; job < 3; ++job) {
    executor.BeginJob();
    for (int i = 0; i < 2; ++i) EXPECT_EQ(RunOne(executor, "exit 7").kind, Kind::kLost);
  }
  EXPECT_EQ(RunOne(executor, "echo on").report, "echo on");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(RunOne(executor, "exit 7").kind, Kind::kLost);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kUnavailable, [&] { executor.Wait(1000); }), "died 3 times");
}

TEST(WorkerDeath, BeforeItIsReadyIsAnErrorToo) {
  ProcessExecutorOptions options = StandInOptions(2);
  options.setup = "die";
  options.max_worker_restarts = 1;
  ProcessExecutor executor(options);
  executor.Submit(Launches({"echo never"}));
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kUnavailable, [&] { Ends(executor, 1); }),
                  "exited with status 4");
}

TEST(WorkerDeath, IsFoundBySilence) {
  ProcessExecutorOptions options = StandInOptions();
  options.heartbeat_timeout_ms = 1500;
  ProcessExecutor executor(options);
  auto pid = executor.WorkerPids()[0];
  RunOne(executor, "echo it is there");
  kill(pid, SIGSTOP);
  auto event = RunOne(executor, "echo");
  EXPECT_EQ(event.kind, Kind::kLost);
  EXPECT_CONTAINS(event.report, "silent");
  EXPECT_TRUE(IsGone(pid));
  EXPECT_EQ(RunOne(executor, "echo on").report, "echo on");
}

TEST(WorkerStart, HasALimit) {
  ProcessExecutorOptions options = StandInOptions();
  options.setup = "slow";
  options.start_timeout_ms = 300;
  options.max_worker_restarts = 1;
  ProcessExecutor executor(options);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kUnavailable, [&] { Ends(executor, 1); }), "was not ready");
}

TEST(WorkerStart, PassesOnWhyASetupFails) {
  ProcessExecutorOptions options = StandInOptions(2);
  options.setup = "refuse There is no folder 'x'. Make it.";
  ProcessExecutor executor(options);
  EXPECT_EQ(ErrorOf(ErrorKind::kIo, [&] { Ends(executor, 1); }),
            "There is no folder 'x'. Make it.");
}

TEST(WorkerStart, ComparesVersions) {
  ProcessExecutorOptions options = StandInOptions();
  options.command = {STAND_IN_WORKER, "old"};
  ProcessExecutor executor(options);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kUnavailable, [&] { Ends(executor, 1); }), "0 0.0.1");
}

TEST(WorkerStart, NamesTheProgramThatIsMissing) {
  ProcessExecutorOptions options = StandInOptions();
  options.command = {"/no/such/program"};
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kUnavailable, [&] { ProcessExecutor executor(options); }),
                  "/no/such/program': No such file");
  options = StandInOptions();
  options.log_folder = "/no/such/folder";
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { ProcessExecutor executor(options); }),
                  "/no/such/folder/worker-0.log': No such file");
  options = StandInOptions(0);
  EXPECT_CONTAINS(InvalidInputOf([&] { ProcessExecutor executor(options); }), "at least 1");
}

// Starts a driver with two workers, kills it, and waits until nothing is left of them.
void KillDriver(const std::string& spec) {
  ScratchFolder folder;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  pid_t driver = fork();
  if (driver == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execl(STAND_IN_WORKER, STAND_IN_WORKER, "drive", folder.path().c_str(), spec.c_str(),
          static_cast<char*>(nullptr));
    _exit(127);
  }
  close(ends[1]);
  FILE* output = fdopen(ends[0], "r");
  std::vector<pid_t> pids(3);
  for (pid_t& pid : pids) ASSERT_EQ(fscanf(output, "%d", &pid), 1);
  fclose(output);
  for (pid_t pid : pids) EXPECT_FALSE(IsGone(pid));
  kill(driver, SIGKILL);
  waitpid(driver, nullptr, 0);
  for (pid_t pid : pids) EXPECT_TRUE(ComesTrue([&] { return IsGone(pid); })) << spec;
}

TEST(DriverDeath, LeavesNoProcess) { KillDriver("wait"); }

TEST(DriverDeathSlow, LeavesNoProcessThatDoesNotListen) { KillDriver("deaf"); }

}  // namespace
}  // namespace smallpond
