#include "storage/output_committer.h"

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

#include "error_of.h"
#include "scratch_folder.h"
#include "storage/attempt_owner.h"
#include "storage/input_files.h"
#include "storage/output_manifest.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

using Texts = std::multiset<std::string>;  // The contents of the files of a folder.

std::string ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "no file " + path.string();
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// How the files of one write are named, and how a reader asks for them.
struct Layout {
  std::string name;
  std::vector<std::string> files;  // Of each write; the tag makes them unique.
  std::string glob;
};

const std::vector<Layout> kLayouts = {
    {"flat", {"part-0-", "part-1-", "part-2-"}, "/*.txt"},
    {"partitioned", {"x=1/part-", "x=2/y=%2F/part-", "x=2/y=3/part-"}, "/x=*/*"},
};

Texts TextsOf(const Layout& layout, const std::string& version) {
  Texts texts;
  for (const auto& file : layout.files) texts.insert(version + " " + file);
  return texts;
}

Texts operator+(Texts left, const Texts& right) {
  left.insert(right.begin(), right.end());
  return left;
}

void Stage(const OutputCommitter& committer, const Layout& layout, const std::string& version) {
  for (const auto& file : layout.files) {
    fs::path path = fs::path(committer.staging_folder()) /
                    (file + committer.tag() + ".txt" + OutputCommitter::kStagedEnding);
    fs::create_directories(path.parent_path());
    std::ofstream(path) << version << " " << file;
  }
}

void Write(const std::string& folder, WriteMode mode, const Layout& layout,
           const std::string& version, OutputCommitter::StepHook hook = {}) {
  auto committer = OutputCommitter::Begin(folder, mode, "job", std::move(hook));
  ASSERT_TRUE(committer);
  Stage(*committer, layout, version);
  committer->Commit();
}

// Runs `work` in a process of its own, and returns how it ended: its exit code, or -signal.
int InChild(const std::function<void()>& work) {
  pid_t pid = fork();
  if (pid == 0) {
    int code = 0;
    try {
      work();
    } catch (const Error& error) {
      std::cerr << error.what() << std::endl;
      code = 1;
    } catch (const std::exception& error) {
      std::cerr << "untyped: " << error.what() << std::endl;
      code = 2;
    }
    _exit(testing::Test::HasFailure() ? 3 : code);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// Writes a version in a process that is killed after its `kill_after`-th step. Returns the name of
// that step, or "" where the write had ended before.
std::string WriteKilled(const ScratchFolder& scratch, const std::string& folder, WriteMode mode,
                        const Layout& layout, const std::string& version, int kill_after) {
  int code = InChild([&] {
    int steps = 0;
    Write(folder, mode, layout, version, [&](const char* step) {
      if (steps++ < kill_after) return;
      scratch.Write("step", step);
      raise(SIGKILL);
    });
  });
  if (code == -SIGKILL) return scratch.Read("step");
  EXPECT_EQ(code, 0);
  return "";
}

bool IsCommitted(const std::string& step) { return step != "staged" && step != "synced"; }

Texts TextsAt(const std::vector<std::string>& paths) {
  Texts texts;
  for (const auto& path : paths) texts.insert(ReadText(path));
  return texts;
}

std::vector<std::string> List(const std::string& path) {
  return ListInputFiles({path}, {".txt"}, false, [](const std::string& pattern) {
    ADD_FAILURE() << "a committed folder was globbed: " << pattern;
    return std::vector<std::string>();
  });
}

// What readers of the folder see: exactly `expected`, by every way to ask.
void ExpectReadersSee(const std::string& folder, const Layout& layout, const Texts& expected) {
  if (expected.empty()) {
    EXPECT_FALSE(CommittedFiles(folder));
    if (fs::exists(folder)) {
      InvalidInputOf([&] { List(folder); });
    }
    return;
  }
  auto committed = CommittedFiles(folder);
  ASSERT_TRUE(committed);
  EXPECT_EQ(TextsAt(*committed), expected);
  EXPECT_EQ(TextsAt(List(folder)), expected);
  if (layout.name == "flat") {
    EXPECT_EQ(TextsAt(List(folder + layout.glob)), expected);
  }
}

// The folder holds the latest version under its final names, its versions' notes and nothing else.
void ExpectClean(const std::string& folder, const Texts& expected) {
  Texts found;
  std::set<std::string> folders;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    std::string name = entry.path().lexically_relative(folder).string();
    if (name.starts_with(kOutputMetadataFolder)) {
      std::string own = entry.path().filename().string();
      bool is_note = own == kOutputMetadataFolder || own.starts_with("published-") ||
                     (own.starts_with("manifest-") && own.find('.') == std::string::npos);
      EXPECT_TRUE(is_note) << "left: " << name;
    } else if (entry.is_directory()) {
      EXPECT_FALSE(fs::is_empty(entry.path())) << "left: " << name;
    } else {
      found.insert(ReadText(entry.path()));
    }
  }
  EXPECT_EQ(found, expected);
  auto latest = ReadLatestManifest(folder);
  ASSERT_TRUE(latest);
  EXPECT_TRUE(IsPublished(folder, latest->version));
}

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
        committer->Commit();
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
    committer->Commit();
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
      ErrorOf(ErrorKind::kUnavailable, [&] { slow->Commit(); });
    } else {
      slow->Commit();
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
  ErrorOf(ErrorKind::kIo, [&] {
    Write(folder, WriteMode::kOverwrite, kLayouts[1], "new", [&](const char* step) {
      // What is in the way of a partition's folder.
      if (std::string(step) != "committed") return;
      fs::remove_all(folder + "/x=2");
      scratch.Write("out/x=2", "foreign");
    });
  });
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
    WriteResult result = committer->Commit();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << "commit of 1,000 files: " << seconds.count() << " s, of it publishing "
              << result.publish_seconds << " s\n";
    EXPECT_EQ(result.num_files, 1000);
  }
  ExpectClean(folder, TextsOf(layout, "2"));
}

}  // namespace
}  // namespace smallpond
