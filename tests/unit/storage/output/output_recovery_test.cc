#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "output_writes.h"

namespace smallpond {
namespace {

// Manifests of versions long ago are removed, and their numbers must not be taken again.
TEST(OutputCommitter, AWriterThatManyVersionsPassedBy) {
  for (WriteMode mode : {WriteMode::kOverwrite, WriteMode::kAppend}) {
    ScratchFolder scratch;
    std::string folder = scratch.Path("out");
    Write(folder, WriteMode::kOverwrite, kLayouts[0], "first");
    auto slow = OutputCommitter::Begin(folder, mode, "slow");
    Stage(*slow, kLayouts[0], "slow");
    for (int i = 0; i < 40; ++i) Write(folder, WriteMode::kOverwrite, kLayouts[0], "others");
    Texts expected = TextsOf(kLayouts[0], "others");
    if (mode == WriteMode::kOverwrite) {
      ErrorOf(ErrorKind::kUnavailable, [&] { CommitStaged(*slow); });
    } else {
      CommitStaged(*slow);
      expected = expected + TextsOf(kLayouts[0], "slow");
    }
    slow.reset();
    ExpectReadersSee(folder, kLayouts[0], expected);
    ExpectClean(folder, expected);
  }
}

// --- failures that the process survives ---

TEST(OutputCommitter, ACommittedVersionOutlivesAFailureToPublish) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  Write(folder, WriteMode::kOverwrite, kLayouts[1], "old");
  WriteResult result =
      Write(folder, WriteMode::kOverwrite, kLayouts[1], "new", [&](const char* step) {
        // What is in the way of a partition's folder.
        if (std::string(step) != "committed") return;
        fs::remove_all(folder + "/x=2");
        scratch.Write("out/x=2", "foreign");
      });
  EXPECT_EQ(result.num_files, 3) << "a write that is committed has not failed";
  EXPECT_CONTAINS(result.publish_error, "Publishing '" + folder + "/x=2/");
  ExpectReadersSee(folder, kLayouts[1], TextsOf(kLayouts[1], "new"));
  fs::remove(folder + "/x=2");
  RecoverOutputFolder(folder);
  ExpectReadersSee(folder, kLayouts[1], TextsOf(kLayouts[1], "new"));
}

TEST(OutputCommitter, AFailureBeforeTheCommitLeavesWhatWas) {
  for (bool over_earlier : {false, true}) {
    ScratchFolder scratch;
    std::string folder = scratch.Path("a/b/out");
    if (over_earlier) Write(folder, WriteMode::kOverwrite, kLayouts[0], "old");
    EXPECT_THROW(Write(folder, WriteMode::kOverwrite, kLayouts[0], "new",
                       [&](const char* step) {
                         if (std::string(step) == "synced") throw std::runtime_error("stop");
                       }),
                 std::runtime_error);
    if (over_earlier) {
      ExpectClean(folder, TextsOf(kLayouts[0], "old"));
    } else {
      EXPECT_TRUE(scratch.List().empty()) << "the new folders a/b/out are gone again";
    }
  }
}

TEST(OutputCommitter, IgnoreAndErrorAfterACrash) {
  ScratchFolder scratch;
  for (int kill_after : {1, 2}) {  // Before the commit and after it.
    std::string folder = scratch.Path("out" + std::to_string(kill_after));
    std::string step =
        WriteKilled(scratch, folder, WriteMode::kError, kLayouts[0], "new", kill_after);
    ASSERT_FALSE(step.empty());
    if (IsCommitted(step)) {
      EXPECT_FALSE(OutputCommitter::Begin(folder, WriteMode::kIgnore, "job"));
      std::string text =
          InvalidInputOf([&] { OutputCommitter::Begin(folder, WriteMode::kError, "job"); });
      EXPECT_CONTAINS(text, "has data");
      ExpectReadersSee(folder, kLayouts[0], TextsOf(kLayouts[0], "new"));
    } else {
      Write(folder, WriteMode::kError, kLayouts[0], "next");
      ExpectClean(folder, TextsOf(kLayouts[0], "next"));
    }
  }
}

// A killed process stays as a zombie until its parent asks for it.
TEST(AttemptOwner, AZombieIsDead) {
  ScratchFolder scratch;
  pid_t pid = fork();
  if (pid == 0) {
    fs::create_directories(scratch.Path(AttemptName("1")));
    raise(SIGKILL);
  }
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);  // Leaves it a zombie.
  std::string attempt = scratch.Path(scratch.List().front());
  EXPECT_FALSE(AttemptOwnerMayLive(attempt));
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
  EXPECT_FALSE(AttemptOwnerMayLive(attempt));
  fs::create_directories(scratch.Path(AttemptName("1")));
  EXPECT_TRUE(AttemptOwnerMayLive(scratch.Path(AttemptName("1"))));
}

TEST(OutputManifest, MetadataThatCantBeReadIsAnErrorAndNotAnotherFolder) {
  ScratchFolder scratch;
  scratch.Write("out/part.txt", "one of some version");
  fs::create_symlink("_smallpond", scratch.Path("out/_smallpond"));  // A loop.
  ErrorOf(ErrorKind::kIo, [&] { CommittedFiles(scratch.Path("out")); });
  ErrorOf(ErrorKind::kIo, [&] { List(scratch.Path("out")); });
}

TEST(OutputManifest, DamagedAndNewerManifests) {
  ScratchFolder scratch;
  scratch.Write("out/_smallpond/manifest-0000000001", "{\"format\": 1");
  std::string text = ErrorOf(ErrorKind::kInternal, [&] { CommittedFiles(scratch.Path("out")); });
  EXPECT_CONTAINS(text, "manifest-0000000001");
  scratch.Write("out/_smallpond/manifest-0000000002", R"({"format": 99})");
  text = ErrorOf(ErrorKind::kUnsupported, [&] { CommittedFiles(scratch.Path("out")); });
  EXPECT_CONTAINS(text, "newer");
}

TEST(OutputCommitter, ForeignFilesAreRefusedAndKept) {
  for (const char* name : {"notes.txt", "x=1/part-1.txt", ".hidden", "a\nb", "_success"}) {
    ScratchFolder scratch;
    std::string folder = scratch.Path("out");
    Write(folder, WriteMode::kOverwrite, kLayouts[1], "old");
    scratch.Write(std::string("out/") + name, "foreign");
    for (WriteMode mode : {WriteMode::kOverwrite, WriteMode::kAppend}) {
      std::string text = InvalidInputOf([&] { OutputCommitter::Begin(folder, mode, "job"); });
      EXPECT_CONTAINS(text, name);
    }
    EXPECT_EQ(scratch.Read(std::string("out/") + name), "foreign");
    fs::remove(scratch.Path(std::string("out/") + name));
    ExpectClean(folder, TextsOf(kLayouts[1], "old"));
  }
}

TEST(OutputCommitter, CommitOfAThousandFiles) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  Layout layout{"many", {}, ""};
  for (int i = 0; i < 1000; ++i) layout.files.push_back("part-" + std::to_string(i) + "-");
  for (int round = 0; round < 3; ++round) {
    auto committer = OutputCommitter::Begin(folder, WriteMode::kOverwrite, "job");
    Stage(*committer, layout, std::to_string(round));
    auto start = std::chrono::steady_clock::now();
    WriteResult result = CommitStaged(*committer);
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << "commit of 1,000 files: " << seconds.count() << " s, of it publishing "
              << result.publish_seconds << " s\n";
    EXPECT_EQ(result.num_files, 1000);
  }
  ExpectClean(folder, TextsOf(layout, "2"));
}

}  // namespace
}  // namespace smallpond
