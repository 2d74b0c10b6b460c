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

struct CrashCase {
  WriteMode mode;
  bool over_earlier;
  const Layout* layout;
};

class OutputCrash : public testing::TestWithParam<CrashCase> {
 protected:
  // A folder with or without an earlier version.
  std::string Prepare(const ScratchFolder& scratch, int number) {
    std::string folder = scratch.Path("deep/out" + std::to_string(number));
    if (GetParam().over_earlier) Write(folder, WriteMode::kOverwrite, layout(), "old");
    return folder;
  }
  Texts Old() { return GetParam().over_earlier ? TextsOf(layout(), "old") : Texts(); }
  Texts After(const Texts& base, const std::string& version) {
    Texts texts = TextsOf(layout(), version);
    return GetParam().mode == WriteMode::kAppend ? base + texts : texts;
  }
  const Layout& layout() { return *GetParam().layout; }
};

TEST_P(OutputCrash, EveryStepLeavesOneVersionAndTheNextWriterCleans) {
  ScratchFolder scratch;
  std::set<std::string> steps;
  for (int kill_after = 0;; ++kill_after) {
    SCOPED_TRACE("killed after step " + std::to_string(kill_after));
    std::string folder = Prepare(scratch, kill_after);
    std::string step = WriteKilled(scratch, folder, GetParam().mode, layout(), "new", kill_after);
    if (step.empty()) break;
    SCOPED_TRACE(step);
    steps.insert(step);
    Texts now = IsCommitted(step) ? After(Old(), "new") : Old();
    ExpectReadersSee(folder, layout(), now);
    ExpectReadersSee(folder, layout(), now);  // Reading changes nothing.
    Write(folder, GetParam().mode, layout(), "next");
    ExpectReadersSee(folder, layout(), After(now, "next"));
    ExpectClean(folder, After(now, "next"));
    if (HasFailure()) return;
  }
  EXPECT_EQ(steps.count("linked") + steps.count("committed") + steps.count("published") +
                steps.count("staged") + steps.count("synced"),
            5u);
}

// The writer that rolls the first one forward or away is killed at each of its steps too.
TEST_P(OutputCrash, SlowTwoCrashesInARow) {
  ScratchFolder scratch;
  int number = 0;
  for (int first = 0;; ++first) {
    std::string step;
    for (int second = 0;; ++second) {
      SCOPED_TRACE(std::to_string(first) + ", " + std::to_string(second));
      std::string folder = Prepare(scratch, number++);
      step = WriteKilled(scratch, folder, GetParam().mode, layout(), "new", first);
      if (step.empty()) break;
      Texts now = IsCommitted(step) ? After(Old(), "new") : Old();
      std::string later = WriteKilled(scratch, folder, GetParam().mode, layout(), "later", second);
      if (later.empty()) break;
      if (IsCommitted(later)) now = After(now, "later");
      ExpectReadersSee(folder, layout(), now);
      Write(folder, GetParam().mode, layout(), "next");
      ExpectClean(folder, After(now, "next"));
      if (HasFailure()) return;
    }
    if (step.empty()) return;
  }
}

TEST_P(OutputCrash, RecoverBringsTheFinalNames) {
  ScratchFolder scratch;
  for (int kill_after = 0;; ++kill_after) {
    SCOPED_TRACE("killed after step " + std::to_string(kill_after));
    std::string folder = Prepare(scratch, kill_after);
    std::string step = WriteKilled(scratch, folder, GetParam().mode, layout(), "new", kill_after);
    if (step.empty()) break;
    Texts now = IsCommitted(step) ? After(Old(), "new") : Old();
    RecoverOutputFolder(folder);
    if (!now.empty()) ExpectClean(folder, now);
    EXPECT_FALSE(HasFailure()) << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, OutputCrash,
                         testing::Values(CrashCase{WriteMode::kOverwrite, false, &kLayouts[0]},
                                         CrashCase{WriteMode::kOverwrite, true, &kLayouts[0]},
                                         CrashCase{WriteMode::kAppend, false, &kLayouts[0]},
                                         CrashCase{WriteMode::kAppend, true, &kLayouts[0]},
                                         CrashCase{WriteMode::kOverwrite, false, &kLayouts[1]},
                                         CrashCase{WriteMode::kOverwrite, true, &kLayouts[1]},
                                         CrashCase{WriteMode::kAppend, false, &kLayouts[1]},
                                         CrashCase{WriteMode::kAppend, true, &kLayouts[1]}),
                         [](const auto& info) {
                           return std::string(info.param.mode == WriteMode::kAppend ? "append"
                                                                                    : "overwrite") +
                                  (info.param.over_earlier ? "_over_earlier_" : "_empty_") +
                                  info.param.layout->name;
                         });

// --- writers side by side ---

// Runs `num` processes that start together, and returns the lines that they noted.
std::map<std::string, int> Race(const ScratchFolder& scratch, int num,
                                const std::function<void(int, std::ostream&)>& work) {
  int gate[2];
  EXPECT_EQ(pipe(gate), 0);
  std::vector<pid_t> pids;
  for (int i = 0; i < num; ++i) {
    pid_t pid = fork();
    if (pid == 0) {
      close(gate[1]);
      char byte;
      (void)!read(gate[0], &byte, 1);  // Returns when the last writing end is closed.
      std::ofstream notes(scratch.Path("notes" + std::to_string(i)));
      try {
        work(i, notes);
      } catch (const std::exception& error) {
        notes << "unexpected " << error.what() << "\n";
      }
      notes.close();
      _exit(0);
    }
    pids.push_back(pid);
  }
  close(gate[0]);
  close(gate[1]);
  std::map<std::string, int> lines;
  for (int i = 0; i < num; ++i) {
    int status = 0;
    waitpid(pids[i], &status, 0);
    EXPECT_EQ(status, 0);
    std::ifstream notes(scratch.Path("notes" + std::to_string(i)));
    for (std::string line; std::getline(notes, line);) ++lines[line];
  }
  for (const auto& [line, count] : lines) {
    EXPECT_FALSE(line.starts_with("unexpected")) << line << " (" << count << " times)";
  }
  return lines;
}

class OutputRace : public testing::TestWithParam<const Layout*> {};

TEST_P(OutputRace, OneOverwriteWinsEachVersion) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  auto lines = Race(scratch, 4, [&](int, std::ostream& notes) {
    for (int round = 0; round < 25; ++round) {
      try {
        auto committer = OutputCommitter::Begin(folder, WriteMode::kOverwrite, "job");
        Stage(*committer, *GetParam(), committer->tag());
        CommitStaged(*committer);
        notes << "won" << std::endl;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kUnavailable) throw;
        notes << "lost" << std::endl;
      }
    }
  });
  EXPECT_EQ(lines["won"] + lines["lost"], 100);
  auto latest = ReadLatestManifest(folder);
  ASSERT_TRUE(latest);
  EXPECT_EQ(latest->version, lines["won"]);
  std::string tag = ReadText(CommittedFiles(folder)->front());
  ExpectClean(folder, TextsOf(*GetParam(), tag.substr(0, tag.find(' '))));
}

TEST_P(OutputRace, EveryAppendLandsOnce) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  Race(scratch, 4, [&](int process, std::ostream&) {
    for (int round = 0; round < 15; ++round) {
      Write(folder, WriteMode::kAppend, *GetParam(),
            std::to_string(process) + "." + std::to_string(round));
    }
  });
  Texts expected;
  for (int process = 0; process < 4; ++process) {
    for (int round = 0; round < 15; ++round) {
      expected =
          expected + TextsOf(*GetParam(), std::to_string(process) + "." + std::to_string(round));
    }
  }
  EXPECT_EQ(ReadLatestManifest(folder)->version, 60);
  ExpectReadersSee(folder, *GetParam(), expected);
  ExpectClean(folder, expected);
}

// Readers look while one process overwrites, by the folder and by a glob over it.
TEST_P(OutputRace, ReadersSeeTheFilesOfOneVersion) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  const Layout& layout = *GetParam();
  // Versions differ in their numbers of files.
  auto write = [&](int version) {
    auto committer = OutputCommitter::Begin(folder, WriteMode::kOverwrite, "job");
    for (int i = 0; i <= version % 5; ++i) {
      Layout one{"", {layout.files[i % layout.files.size()] + std::to_string(i)}, ""};
      Stage(*committer, one, std::to_string(version));
    }
    CommitStaged(*committer);
  };
  write(0);
  auto lines = Race(scratch, 3, [&](int process, std::ostream& notes) {
    if (process == 0) {
      for (int version = 1; version <= 80; ++version) write(version);
      scratch.Write("done", "");
      return;
    }
    while (!fs::exists(scratch.Path("done"))) {
      auto files =
          List(process == 1 ? folder : folder + (layout.name == "flat" ? "/*.txt" : "/*/*"));
      std::set<std::string> versions;
      size_t gone = 0;
      for (const auto& file : files) {
        std::string text = ReadText(file);
        if (text.starts_with("no file")) {
          ++gone;
        } else {
          versions.insert(text.substr(0, text.find(' ')));
        }
      }
      if (gone) continue;                                      // A reader starts again then.
      bool all_files = process == 1 || layout.name == "flat";  // The glob is for one level.
      bool whole = versions.size() == 1 &&
                   (!all_files || files.size() == std::stoul(*versions.begin()) % 5 + 1);
      notes << (whole ? "whole" : "mixed") << std::endl;
    }
  });
  EXPECT_EQ(lines["mixed"], 0);
  EXPECT_GT(lines["whole"], 0);
}

INSTANTIATE_TEST_SUITE_P(Layouts, OutputRace, testing::Values(&kLayouts[0], &kLayouts[1]),
                         [](const auto& info) { return info.param->name; });

}  // namespace
}  // namespace smallpond
