#include "storage/output/output_committer.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "commit_staged.h"
#include "committed_files.h"
#include "error_of.h"
#include "scratch_folder.h"
#include "storage/files/attempt_owner.h"
#include "storage/output/output_publisher.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class OutputCommitterTest : public ::testing::Test {
 protected:
  std::unique_ptr<OutputCommitter> Begin(const std::string& name,
                                         WriteMode mode = WriteMode::kOverwrite,
                                         OutputCommitter::StepHook hook = {}) const {
    return OutputCommitter::Begin(folder_.Path(name), mode, "job-1", std::move(hook));
  }

  static void Stage(const OutputCommitter& committer, const std::string& name,
                    const std::string& text) {
    fs::path path = committer.staging_folder() + "/" + name + OutputCommitter::kStagedEnding;
    fs::create_directories(path.parent_path());
    std::ofstream file(path);
    file << text;
    file.close();
    ASSERT_TRUE(file) << path;
  }

  // Writes a version of the folder; each text is a file's name and content.
  WriteResult Write(const std::string& name, const Names& texts,
                    WriteMode mode = WriteMode::kOverwrite,
                    OutputCommitter::StepHook hook = {}) const {
    auto committer = Begin(name, mode, std::move(hook));
    for (const auto& text : texts) Stage(*committer, text + ".txt", text);
    return CommitStaged(*committer);
  }

  // The same in a process that ends abruptly at a step.
  void WriteAndDie(const std::string& name, const Names& texts, const std::string& step,
                   WriteMode mode = WriteMode::kOverwrite) const {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Write(name, texts, mode, [&](const char* now) {
        if (now == step) _exit(7);
      });
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7)
        << "the step " << step << " was not reached";
  }

  // What any program sees in the folder: names of files at any depth, sorted, without our own.
  Names Seen(const std::string& name) const {
    Names seen;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.Path(name))) {
      std::string path = entry.path().lexically_relative(folder_.Path(name)).string();
      if (!entry.is_directory() && !path.starts_with(kOutputMetadataFolder)) seen.push_back(path);
    }
    std::sort(seen.begin(), seen.end());
    return seen;
  }

  // What our readers see: the contents of the latest version's files.
  Names Read(const std::string& name) const {
    Names texts;
    auto paths = CommittedFiles(folder_.Path(name));
    if (!paths) return {"no version"};
    for (const auto& path : *paths) {
      std::ifstream file(path);
      std::string text;
      texts.push_back(std::getline(file, text) ? text : "unreadable " + path);
    }
    return texts;
  }

  Names Attempts(const std::string& name) const {
    Names attempts;
    for (const auto& entry : folder_.List(name + "/" + kOutputMetadataFolder)) {
      if (entry.starts_with("attempt-")) attempts.push_back(entry);
    }
    for (const auto& entry : folder_.List("")) {
      if (IsSiblingAttempt(entry, name)) attempts.push_back(entry);
    }
    return attempts;
  }

  ScratchFolder folder_;
};

TEST_F(OutputCommitterTest, ShowsNothingBeforeAndAllAfterTheCommit) {
  Names before, after;
  auto result = Write("out", {"a", "b"}, WriteMode::kOverwrite, [&](const char* step) {
    if (std::string(step) == "synced") before = Seen("out");
    if (std::string(step) == "committed") after = Read("out");
  });
  EXPECT_TRUE(before.empty());
  EXPECT_EQ(after, Names({"a", "b"}));
  EXPECT_EQ(Seen("out"), Names({"a.txt", "b.txt"}));
  EXPECT_EQ(Read("out"), Names({"a", "b"}));
  EXPECT_TRUE(Attempts("out").empty());
  EXPECT_EQ(result.num_files, 2);
  EXPECT_EQ(result.num_bytes, 2u);
  EXPECT_GE(result.publish_seconds, 0);
}

TEST_F(OutputCommitterTest, LeavesNothingWhereItIsNotCommitted) {
  {
    auto committer = Begin("deep/er/out");
    Stage(*committer, "a.txt", "a");
  }
  EXPECT_TRUE(folder_.List().empty()) << "the folders above were made for it too";
  fs::create_directory(folder_.Path("empty"));
  Begin("empty");
  EXPECT_EQ(folder_.List("empty"), Names());
}

TEST_F(OutputCommitterTest, ReplacesTheEarlierVersion) {
  Write("out", {"a", "b", "sub/c"});
  EXPECT_EQ(Seen("out"), Names({"a.txt", "b.txt", "sub/c.txt"}));
  Write("out", {"d"});
  EXPECT_EQ(Seen("out"), Names({"d.txt"}));
  EXPECT_FALSE(fs::exists(folder_.Path("out/sub"))) << "folders that became empty go too";
  Write("out", {});
  EXPECT_EQ(Seen("out"), Names());
  EXPECT_EQ(Read("out"), Names());
}

TEST_F(OutputCommitterTest, KeepsTheEarlierVersionWhereTheNextIsNotCommitted) {
  Write("out", {"a"});
  {
    auto committer = Begin("out");
    Stage(*committer, "b.txt", "b");
  }
  EXPECT_EQ(Seen("out"), Names({"a.txt"}));
  EXPECT_EQ(Read("out"), Names({"a"}));
  EXPECT_TRUE(Attempts("out").empty());
}

TEST_F(OutputCommitterTest, CommitsOnlyFilesThatAreStaged) {
  auto committer = Begin("out");
  Stage(*committer, "a.txt", "a");
  std::ofstream(committer->staging_folder() + "/scratch.tmp") << "x";
  EXPECT_EQ(CommitStaged(*committer).num_files, 1);
  EXPECT_EQ(Seen("out"), Names({"a.txt"}));
}

TEST_F(OutputCommitterTest, AppendsOnTopOfWhatIsThere) {
  Write("out", {"a"}, WriteMode::kAppend);
  Write("out", {"b"}, WriteMode::kAppend);
  EXPECT_EQ(Seen("out"), Names({"a.txt", "b.txt"}));
  EXPECT_EQ(Read("out"), Names({"a", "b"}));
  EXPECT_EQ(Write("out", {"c"}, WriteMode::kAppend).num_files, 1) << "its own files only";
}

TEST_F(OutputCommitterTest, KnowsWhetherThereIsData) {
  EXPECT_NE(Begin("out", WriteMode::kIgnore), nullptr);
  Write("out", {"a"}, WriteMode::kError);
  EXPECT_EQ(Begin("out", WriteMode::kIgnore), nullptr);
  EXPECT_CONTAINS(InvalidInputOf([&] { Begin("out", WriteMode::kError); }),
                  "mode=\"error\" asks for none there");
  EXPECT_EQ(Read("out"), Names({"a"}));
  Write("out", {});
  EXPECT_NE(Begin("out", WriteMode::kIgnore), nullptr) << "a version without files is no data";
}

TEST_F(OutputCommitterTest, RefusesAFolderWithFilesOfOthersAndLeavesItAlone) {
  for (const std::string name :
       {"precious.parquet", "notes.txt", ".hidden", "_SUCCESS", "sub/file"}) {
    SCOPED_TRACE(name);
    ScratchFolder folder;
    folder.Write("out/" + name, "mine");
    for (WriteMode mode :
         {WriteMode::kOverwrite, WriteMode::kAppend, WriteMode::kError, WriteMode::kIgnore}) {
      EXPECT_CONTAINS(
          InvalidInputOf([&] { OutputCommitter::Begin(folder.Path("out"), mode, "job"); }),
          "holds '" + name + "', which smallpond did not write");
    }
    EXPECT_EQ(folder.Read("out/" + name), "mine");
    EXPECT_EQ(folder.List("out").size(), 1u);
  }
  Write("out", {"a"});
  folder_.Write("out/b.txt", "mine");
  InvalidInputOf([&] { Begin("out"); });
  EXPECT_EQ(Seen("out"), Names({"a.txt", "b.txt"}));
}

TEST_F(OutputCommitterTest, RefusesAFileAndAFolderBelowAFile) {
  folder_.Write("out", "mine");
  EXPECT_EQ(InvalidInputOf([&] { Begin("out"); }),
            "'" + folder_.Path("out") + "' is a file. Give a folder to write to.");
  ErrorOf(ErrorKind::kIo, [&] { Begin("out/below"); });
  ErrorOf(ErrorKind::kIo, [&] { Begin("out/far/below"); });
  EXPECT_EQ(folder_.Read("out"), "mine");
}

TEST_F(OutputCommitterTest, WritesThroughALink) {
  fs::create_directory(folder_.Path("real"));
  fs::create_directory_symlink(folder_.Path("real"), folder_.Path("out"));
  Write("out", {"a"});
  Write("out", {"b"});
  EXPECT_EQ(Seen("real"), Names({"b.txt"}));
}

TEST_F(OutputCommitterTest, LetsOneOfTwoWritersWin) {
  Write("out", {"first"});
  auto slow = Begin("out");
  Stage(*slow, "slow.txt", "slow");
  Write("out", {"fast"});
  EXPECT_EQ(
      ErrorOf(ErrorKind::kUnavailable, [&] { CommitStaged(*slow); }),
      "Another job committed to '" + folder_.Path("out") +
          "' while this one was writing to it. Nothing of this write was kept; run it again.");
  slow.reset();
  EXPECT_EQ(Seen("out"), Names({"fast.txt"}));
  EXPECT_EQ(Read("out"), Names({"fast"}));
  EXPECT_TRUE(Attempts("out").empty());
}

TEST_F(OutputCommitterTest, KeepsTheAttemptOfAWriterThatLives) {
  auto slow = Begin("out");
  Stage(*slow, "slow.txt", "slow");
  Write("other", {"a"});
  Write("out", {"fast"}, WriteMode::kOverwrite);
  EXPECT_TRUE(fs::exists(slow->staging_folder() + "/slow.txt?writing"));
}

TEST_F(OutputCommitterTest, PutsAppendsOnTopOfEachOther) {
  auto slow = Begin("out", WriteMode::kAppend);
  Stage(*slow, "slow.txt", "slow");
  Write("out", {"fast"}, WriteMode::kAppend);
  CommitStaged(*slow);
  EXPECT_EQ(Read("out"), Names({"fast", "slow"}));
  EXPECT_EQ(Seen("out"), Names({"fast.txt", "slow.txt"}));
}

TEST_F(OutputCommitterTest, KeepsEveryAppendOfManyWriters) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] {
      for (int j = 0; j < 4; ++j) {
        try {
          Write("out", {std::to_string(i) + "-" + std::to_string(j)}, WriteMode::kAppend);
        } catch (const Error& error) {
          ADD_FAILURE() << error.what();
        }
      }
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(Seen("out").size(), 32u);
  EXPECT_EQ(Read("out").size(), 32u);
  EXPECT_TRUE(Attempts("out").empty());
}

TEST_F(OutputCommitterTest, KeepsOneWholeVersionOfManyOverwriters) {
  std::atomic<int> won{0}, lost{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] {
      for (int j = 0; j < 4; ++j) {
        // No two writes have a name in common: one that comes back may go with its first version.
        std::string name = std::to_string(i) + std::to_string(j);
        try {
          Write("out", {name + "a", name + "b"});
          ++won;
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::kUnavailable) << error.what();
          ++lost;
        }
      }
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_GE(won, 1);
  EXPECT_EQ(won + lost, 32);
  Names read = Read("out");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].substr(0, 2) + "a", read[0]);
  EXPECT_EQ(read[0].substr(0, 2) + "b", read[1]) << "both of one writer";
  EXPECT_EQ(Seen("out").size(), 2u);
}

TEST_F(OutputCommitterTest, ForgetsAWriterThatDiesBeforeTheCommit) {
  for (const std::string step : {"staged", "synced"}) {
    SCOPED_TRACE(step);
    Write("out", {"a"});
    WriteAndDie("out", {"b"}, step);
    EXPECT_EQ(Read("out"), Names({"a"}));
    EXPECT_EQ(Seen("out"), Names({"a.txt"}));
    EXPECT_EQ(Attempts("out").size(), 1u);
    Write("out", {"c"});
    EXPECT_EQ(Seen("out"), Names({"c.txt"}));
    EXPECT_TRUE(Attempts("out").empty()) << "the dead writer's is removed";
  }
}

TEST_F(OutputCommitterTest, RollsAWriterForwardThatDiesAfterTheCommit) {
  for (const std::string step : {"committed", "published"}) {
    SCOPED_TRACE(step);
    Write("out", {"a"});
    WriteAndDie("out", {"b"}, step);
    EXPECT_EQ(Read("out"), Names({"b"}));
    EXPECT_EQ(Seen("out"), Names({step == "committed" ? "a.txt" : "b.txt"}));
    RecoverOutputFolder(folder_.Path("out"));
    EXPECT_EQ(Seen("out"), Names({"b.txt"}));
    EXPECT_EQ(Read("out"), Names({"b"}));
    EXPECT_TRUE(Attempts("out").empty());
    RecoverOutputFolder(folder_.Path("out"));
    EXPECT_EQ(Seen("out"), Names({"b.txt"})) << "twice is once";
  }
}

TEST_F(OutputCommitterTest, KeepsTheFilesThatADeadAppenderCommitted) {
  Write("out", {"a"});
  WriteAndDie("out", {"b"}, "committed", WriteMode::kAppend);
  EXPECT_EQ(Read("out"), Names({"a", "b"}));
  Write("out", {"c"}, WriteMode::kAppend);
  EXPECT_EQ(Read("out"), Names({"a", "b", "c"}));
  EXPECT_EQ(Seen("out"), Names({"a.txt", "b.txt", "c.txt"}));
}

TEST_F(OutputCommitterTest, TakesTheFirstVersionOfADeadWriterToo) {
  WriteAndDie("out", {"a"}, "staged");
  EXPECT_EQ(Read("out"), Names({"no version"}));
  WriteAndDie("out", {"b"}, "committed");
  EXPECT_EQ(Read("out"), Names({"b"}));
  Write("out", {"c"});
  EXPECT_EQ(Seen("out"), Names({"c.txt"}));
}

TEST_F(OutputCommitterTest, KeepsAFewOldVersionsOnly) {
  for (int i = 0; i < 40; ++i) Write("out", {std::to_string(i)});
  EXPECT_EQ(Read("out"), Names({"39"}));
  EXPECT_EQ(ReadLatestManifest(folder_.Path("out"))->version, 40);
  EXPECT_LT(folder_.List("out/_smallpond").size(), 50u);
  EXPECT_EQ(ReadLatestManifest(folder_.Path("out"))->job_id, "job-1");
}

// A folder may come from somebody else.
TEST_F(OutputCommitterTest, TouchesNothingOutsideTheFolder) {
  folder_.Write("precious.txt", "mine");
  const Names outside = {"../precious.txt", folder_.Path("precious.txt"), "sub/../../precious.txt",
                         "..", ""};
  for (const auto& name : outside) {
    SCOPED_TRACE(name);
    for (bool as_staged : {false, true}) {
      ScratchFolder out;
      fs::create_directory(out.Path("_smallpond"));
      std::string file = as_staged ? R"({"name": "a.txt", "staged": ")" + name + R"(", "bytes": 1})"
                                   : R"({"name": ")" + name +
                                         R"(", "staged": "_smallpond/attempt-1/a", "bytes": 1})";
      out.Write("_smallpond/manifest-0000000001",
                R"({"format": 1, "version": 1, "job_id": "x", "files": [)" + file + "]}");
      ErrorOf(ErrorKind::kInternal,
              [&] { OutputCommitter::Begin(out.path(), WriteMode::kOverwrite, "job"); });
      ErrorOf(ErrorKind::kInternal, [&] { CommittedFiles(out.path()); });
    }
  }
  EXPECT_EQ(folder_.Read("precious.txt"), "mine");
}

TEST_F(OutputCommitterTest, SaysWhichManifestIsNone) {
  for (const std::string text :
       {"", "{", "[]", "{}", R"({"format": 1, "job_id": "x", "files": [{}]})",
        R"({"format": 4, "job_id": "x", "base": 1, "attempts": []})",
        R"({"format": 4, "job_id": "x", "base": 7, "attempts": []})",
        R"({"format": 4, "job_id": "x", "base": -1, "attempts": []})",
        R"({"format": 1, "job_id": 7, "files": []})"}) {
    SCOPED_TRACE(text);
    folder_.Write("out/_smallpond/manifest-0000000001", text);
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kInternal, [&] { CommittedFiles(folder_.Path("out")); }),
                    "manifest-0000000001' is not a manifest of smallpond");
  }
  folder_.Write("out/_smallpond/manifest-0000000001", R"({"format": 99})");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kUnsupported, [&] { CommittedFiles(folder_.Path("out")); }),
                  "a newer smallpond");
}

}  // namespace
}  // namespace smallpond
