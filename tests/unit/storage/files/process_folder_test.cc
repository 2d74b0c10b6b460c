#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <regex>
#include <set>

#include "error_of.h"
#include "scratch_folder.h"
#include "storage/files/attempt_owner.h"
#include "storage/files/private_folder.h"
#include "storage/files/process_folder.h"

// Folders that belong to one process of one account, and what becomes of those of the dead.

namespace smallpond {
namespace {

namespace fs = std::filesystem;

unsigned ModeOf(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

// The name of a folder whose owner, a process that was there, has ended.
std::string NameOfDead(const std::string& prefix) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  pid_t pid = fork();
  if (pid == 0) {
    std::string name = OwnedName(prefix, RandomTag());
    bool is_told = write(ends[1], name.data(), name.size()) > 0;
    _exit(is_told ? 0 : 1);
  }
  close(ends[1]);
  char text[256];
  ssize_t size = read(ends[0], text, sizeof text);
  close(ends[0]);
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
  return {text, static_cast<size_t>(std::max<ssize_t>(0, size))};
}

// As another machine, or another container on this one, would call the folder of a process that has
// the very number and start of one here.
std::string Elsewhere(std::string name) {
  static const std::regex machine("-[0-9a-f]{16}-");
  return std::regex_replace(name, machine, "-0123456789abcdef-");
}

void Age(const std::string& path, int hours) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(hours));
}

TEST(ProcessFolder, IsForOneAccountWhateverTheUmask) {
  for (mode_t mask : {0, 022, 077}) {
    ScratchFolder scratch;
    mode_t previous = umask(mask);
    ProcessFolder folder(scratch.Path("a/b"), kSpillPrefix);
    umask(previous);
    for (const auto& path : {folder.path(), scratch.Path("a/b"), scratch.Path("a")}) {
      EXPECT_EQ(ModeOf(path), 0700u) << path << " with umask " << mask;
    }
  }
}

TEST(ProcessFolder, HasANameThatNobodyGuesses) {
  ScratchFolder scratch;
  std::set<std::string> tags;
  for (int i = 0; i < 100; ++i) {
    ProcessFolder folder(scratch.path(), kSpillPrefix);
    std::string name = fs::path(folder.path()).filename().string();
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(name, parts,
                                 std::regex("smallpond-([0-9a-f]{32})-[0-9a-f]{16}-[0-9]+-[0-9]+")))
        << name;
    tags.insert(parts[1]);
  }
  EXPECT_EQ(tags.size(), 100u);
  EXPECT_TRUE(scratch.List().empty());
}

TEST(PrivateFolder, IsNeverOneThatWasThere) {
  ScratchFolder scratch;
  fs::create_directory(scratch.Path("folder"));
  fs::create_directory_symlink(scratch.Path("folder"), scratch.Path("link"));
  fs::create_directory_symlink(scratch.Path("nowhere"), scratch.Path("dangling"));
  for (const char* name : {"folder", "link", "dangling"}) {
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { MakePrivateFolder(scratch.Path(name)); }),
                    "File exists");
  }
  EXPECT_FALSE(fs::exists(scratch.Path("nowhere")));
  EXPECT_TRUE(IsOwnFolder(scratch.Path("folder")));
  EXPECT_FALSE(IsOwnFolder(scratch.Path("link")));
}

TEST(ProcessFolder, IsNotRemovedByAForkedChild) {
  ScratchFolder scratch;
  auto folder = std::make_unique<ProcessFolder>(scratch.path(), kSpillPrefix);
  pid_t pid = fork();
  if (pid == 0) {
    folder = nullptr;
    _exit(0);
  }
  ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
  EXPECT_TRUE(fs::exists(folder->path()));
}

TEST(ProcessFolder, RemovesWhatTheDeadLeftAndNothingElse) {
  ScratchFolder scratch;
  std::string dead = NameOfDead(kSpillPrefix), other_kind = NameOfDead("job");
  std::string elsewhere = Elsewhere(OwnedName(kSpillPrefix, RandomTag()));
  std::string long_ago = Elsewhere(OwnedName(kSpillPrefix, RandomTag()));
  std::string without_start = OwnedName(kSpillPrefix, RandomTag());
  without_start.resize(without_start.rfind('-') + 1);
  for (const auto& name : {dead, other_kind, elsewhere, long_ago, without_start,
                           std::string("smallpond-notes"), std::string("smallpond-1-2-3-4")}) {
    scratch.Write(name + "/rows", "x");
    Age(scratch.Path(name), name == elsewhere || name == without_start ? 24 * 7 - 1 : 24 * 30);
  }
  scratch.Write("precious/rows", "x");
  fs::create_directory_symlink(scratch.Path("precious"), scratch.Path(NameOfDead(kSpillPrefix)));
  ProcessFolder mine(scratch.path(), kSpillPrefix);
  auto kept = scratch.List();
  ProcessFolder next(scratch.path(), kSpillPrefix);
  auto has = [&](const std::string& name) {
    return std::find(kept.begin(), kept.end(), name) != kept.end();
  };
  EXPECT_FALSE(has(dead));
  EXPECT_FALSE(has(long_ago)) << "the age limit of what can't be seen";
  EXPECT_TRUE(has(other_kind));
  EXPECT_TRUE(has(elsewhere)) << "it has the number of this process, but is another's";
  EXPECT_TRUE(has(without_start));
  EXPECT_TRUE(has("smallpond-notes"));
  EXPECT_TRUE(has("smallpond-1-2-3-4"));
  EXPECT_TRUE(fs::exists(scratch.Path("precious/rows")));
  EXPECT_TRUE(fs::exists(mine.path())) << "the owner runs";
}

}  // namespace
}  // namespace smallpond
