#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "commit_staged.h"
#include "committed_files.h"
#include "error_of.h"
#include "scratch_folder.h"
#include "storage/files/attempt_owner.h"
#include "storage/input/input_files.h"
#include "storage/output/output_committer.h"
#include "storage/output/output_manifest.h"
#include "storage/output/output_publisher.h"

// Writes of output folders, and what readers must see of them.
namespace smallpond {

namespace fs = std::filesystem;

using Texts = std::multiset<std::string>;  // The contents of the files of a folder.

inline std::string ReadText(const fs::path& path) {
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

inline const std::vector<Layout> kLayouts = {
    {"flat", {"part-0-", "part-1-", "part-2-"}, "/*.txt"},
    {"partitioned", {"x=1/part-", "x=2/y=%2F/part-", "x=2/y=3/part-"}, "/x=*/*"},
};

inline Texts TextsOf(const Layout& layout, const std::string& version) {
  Texts texts;
  for (const auto& file : layout.files) texts.insert(version + " " + file);
  return texts;
}

inline Texts operator+(Texts left, const Texts& right) {
  left.insert(right.begin(), right.end());
  return left;
}

inline void Stage(const OutputCommitter& committer, const Layout& layout,
                  const std::string& version) {
  for (const auto& file : layout.files) {
    fs::path path = fs::path(committer.staging_folder()) /
                    (file + committer.tag() + ".txt" + OutputCommitter::kStagedEnding);
    fs::create_directories(path.parent_path());
    std::ofstream(path) << version << " " << file;
  }
}

inline WriteResult Write(const std::string& folder, WriteMode mode, const Layout& layout,
                         const std::string& version, OutputCommitter::StepHook hook = {},
                         bool has_rows = true) {
  auto committer = OutputCommitter::Begin(folder, mode, "job", std::move(hook));
  if (!committer) throw std::runtime_error("there is nothing to write");
  Stage(*committer, layout, version);
  return CommitStaged(*committer, has_rows ? 1 : 0);
}

// Runs `work` in a process of its own, and returns how it ended: its exit code, or -signal.
inline int InChild(const std::function<void()>& work) {
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
inline std::string WriteKilled(const ScratchFolder& scratch, const std::string& folder,
                               WriteMode mode, const Layout& layout, const std::string& version,
                               int kill_after) {
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

inline bool IsCommitted(const std::string& step) { return step != "staged" && step != "synced"; }

inline Texts TextsAt(const std::vector<std::string>& paths) {
  Texts texts;
  for (const auto& path : paths) texts.insert(ReadText(path));
  return texts;
}

// The files of a committed folder are its manifest's, whatever a glob finds there.
inline std::vector<std::string> List(const std::string& path) {
  return ListInputFiles({path}, {".txt"}, false,
                        [](const std::string& pattern) {
                          auto folder = std::filesystem::path(pattern).parent_path();
                          return std::vector<std::string>{(folder / "of_others.txt").string()};
                        })
      .paths;
}

// What readers of the folder see: exactly `expected`, by every way to ask.
inline void ExpectReadersSee(const std::string& folder, const Layout& layout,
                             const Texts& expected) {
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
inline void ExpectClean(const std::string& folder, const Texts& expected) {
  Texts found;
  std::set<std::string> folders;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    std::string name = entry.path().lexically_relative(folder).string();
    if (name.starts_with(kOutputMetadataFolder)) {
      std::string own =
          entry.path().lexically_relative(fs::path(folder) / kOutputMetadataFolder).string();
      bool is_note = own == "." || own.starts_with("published-") || own.starts_with("manifest-");
      EXPECT_TRUE(is_note) << "left: " << name;
      EXPECT_TRUE(entry.is_directory()) << "a file that others find: " << name;
    } else if (entry.is_directory()) {
      EXPECT_FALSE(fs::is_empty(entry.path())) << "left: " << name;
    } else {
      found.insert(ReadText(entry.path()));
    }
  }
  EXPECT_EQ(found, expected);
  for (const auto& entry : fs::directory_iterator(fs::path(folder).parent_path())) {
    std::string name = entry.path().filename().string();
    EXPECT_FALSE(IsSiblingAttempt(name, fs::path(folder).filename().string())) << "left: " << name;
  }
  auto latest = ReadLatestManifest(folder);
  ASSERT_TRUE(latest);
  EXPECT_TRUE(IsPublished(folder, latest->version));
}

}  // namespace smallpond
