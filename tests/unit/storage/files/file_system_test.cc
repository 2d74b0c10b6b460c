#include "storage/files/file_system.h"

#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "error_of.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;
using Kind = FolderEntry::Kind;

constexpr int kRacers = 8;

unsigned AccessOf(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

std::set<std::string> NamesBelow(const std::string& folder, const FolderListing& listing) {
  std::set<std::string> names;
  for (const auto& entry : listing.entries)
    names.insert(entry.path.lexically_relative(folder).string());
  return names;
}

// Runs `work` in several threads at a time and returns how many of them said yes.
int NumOfRacers(const std::function<bool(int racer)>& work) {
  std::atomic<int> num_ready = 0, num_yes = 0;
  std::vector<std::jthread> racers;
  for (int i = 0; i < kRacers; ++i) {
    racers.emplace_back([&, i] {
      ++num_ready;
      while (num_ready < kRacers) std::this_thread::yield();
      num_yes += work(i);
    });
  }
  racers.clear();
  return num_yes;
}

// As root this thread may read everything, and as nobody what its modes say.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : user_(::setfsuid(65534)) {}
  ~WithoutPrivileges() { ::setfsuid(static_cast<uid_t>(user_)); }

 private:
  const int user_;
};

TEST(ListFolder, TellsNamesAndKinds) {
  ScratchFolder scratch;
  scratch.Write("file", "");
  scratch.Write("folder/below", "");
  fs::create_symlink(scratch.Path("folder"), scratch.Path("to-folder"));
  fs::create_symlink(scratch.Path("file"), scratch.Path("to-file"));
  fs::create_symlink(scratch.Path("none"), scratch.Path("to-none"));
  ASSERT_EQ(::mkfifo(scratch.Path("pipe").c_str(), 0600), 0);
  FolderListing listing = ListFolder(scratch.path());
  EXPECT_FALSE(listing.error) << listing.error.message();
  std::map<std::string, Kind> kinds;
  std::set<std::string> folders;
  for (const auto& entry : listing.entries) {
    EXPECT_EQ(entry.path, fs::path(scratch.path()) / entry.name());
    kinds[entry.name()] = entry.kind;
    if (entry.LeadsToFolder()) folders.insert(entry.name());
  }
  std::map<std::string, Kind> expected = {{"file", Kind::kFile},      {"folder", Kind::kFolder},
                                          {"to-folder", Kind::kLink}, {"to-file", Kind::kLink},
                                          {"to-none", Kind::kLink},   {"pipe", Kind::kOther}};
  EXPECT_EQ(kinds, expected);
  EXPECT_EQ(folders, (std::set<std::string>{"folder", "to-folder"}));
}

TEST(ListFolder, TellsAMissingFolderFromOneThatCannotBeRead) {
  ScratchFolder scratch;
  scratch.Write("file", "");
  fs::create_directory(scratch.Path("empty"));
  fs::create_symlink(scratch.Path("circle"), scratch.Path("circle"));
  for (const char* name : {"none", "none/below", "file", "file/below"}) {
    FolderListing listing = ListFolder(scratch.Path(name));
    EXPECT_TRUE(listing.is_missing()) << name;
    EXPECT_TRUE(listing.error) << name;
  }
  FolderListing empty = ListFolder(scratch.Path("empty"));
  EXPECT_TRUE(empty.entries.empty() && !empty.is_missing() && !empty.error);
  FolderListing unreadable = ListFolder(scratch.Path("circle"));
  EXPECT_FALSE(unreadable.is_missing());
  EXPECT_EQ(unreadable.error, std::errc::too_many_symbolic_link_levels);
}

TEST(ListBelow, FollowsNoLinkAndPassesOverOneName) {
  ScratchFolder scratch;
  scratch.Write("a/b/file", "");
  scratch.Write("a/ours/kept", "");
  scratch.Write("ours/hidden/deep", "");
  fs::create_symlink(scratch.path(), scratch.Path("a/up"));
  FolderListing listing = ListBelow(scratch.path(), "ours");
  EXPECT_FALSE(listing.error);
  EXPECT_EQ(NamesBelow(scratch.path(), listing),
            (std::set<std::string>{"a", "a/b", "a/b/file", "a/ours", "a/ours/kept", "a/up"}));
  EXPECT_EQ(ListBelow(scratch.path()).entries.size(), 9u);
  EXPECT_TRUE(ListBelow(scratch.Path("none")).is_missing());
}

TEST(ListBelow, GoesOnWhereAFolderMayNotBeRead) {
  ScratchFolder scratch;
  fs::permissions(scratch.path(), fs::perms(0755));
  scratch.Write("closed/file", "");
  for (const char* name : {"a/1", "z/2", "m/3"}) scratch.Write(name, "");
  fs::permissions(scratch.Path("closed"), fs::perms::none);
  {
    WithoutPrivileges nobody;
    FolderListing listing = ListBelow(scratch.path());
    EXPECT_FALSE(listing.error) << listing.error.message();
    EXPECT_EQ(NamesBelow(scratch.path(), listing),
              (std::set<std::string>{"a", "a/1", "m", "m/3", "z", "z/2", "closed"}));
    FolderListing closed = ListBelow(scratch.Path("closed"));
    EXPECT_EQ(closed.error, std::errc::permission_denied);
    EXPECT_FALSE(closed.is_missing());
  }
  fs::permissions(scratch.Path("closed"), fs::perms(0700));
}

TEST(ListBelow, GoesOnWhereFoldersComeAndGo) {
  ScratchFolder scratch;
  for (int i = 0; i < 20; ++i) scratch.Write("stays-" + std::to_string(i) + "/file", "");
  std::atomic<bool> is_done = false;
  std::jthread other([&] {
    for (int i = 0; !is_done && i < 1'000'000; ++i) {
      std::string path = scratch.Path("passing-" + std::to_string(i % 10));
      if (!MakeFolder(path)) RemoveEmptyFolder(path);
    }
  });
  for (int i = 0; i < 200; ++i) {
    FolderListing listing = ListBelow(scratch.path());
    EXPECT_FALSE(listing.error) << listing.error.message();
    size_t num_files = 0;
    for (const auto& entry : listing.entries) num_files += entry.kind == Kind::kFile;
    EXPECT_EQ(num_files, 20u);
  }
  is_done = true;
}

TEST(FileSystem, SeesWhatIsUnderAName) {
  ScratchFolder scratch;
  scratch.Write("file", "12345");
  fs::create_directory(scratch.Path("folder"));
  fs::create_symlink(scratch.Path("folder"), scratch.Path("to-folder"));
  fs::create_symlink(scratch.Path("none"), scratch.Path("to-none"));
  ASSERT_EQ(::mkfifo(scratch.Path("pipe").c_str(), 0600), 0);
  auto seen = [&](const std::string& name) {
    std::string path = scratch.Path(name);
    return std::vector<bool>{Exists(path), IsTaken(path), IsFolder(path), IsRegularFile(path)};
  };
  EXPECT_EQ(seen("file"), (std::vector<bool>{true, true, false, true}));
  EXPECT_EQ(seen("folder"), (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(seen("to-folder"), (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(seen("to-none"), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(seen("pipe"), (std::vector<bool>{true, true, false, false}));
  for (const char* name : {"none", "none/below", "file/below"})
    EXPECT_EQ(seen(name), (std::vector<bool>{false, false, false, false})) << name;
  EXPECT_EQ(RealPath(scratch.Path("to-folder")), RealPath(scratch.Path("folder")));
  EXPECT_EQ(RealPath(scratch.Path("to-none")), "");
  EXPECT_TRUE(AreOnOneDisk(scratch.path(), scratch.Path("folder")));
  EXPECT_FALSE(AreOnOneDisk(scratch.path(), "/proc"));
  EXPECT_FALSE(AreOnOneDisk(scratch.path(), scratch.Path("none")));
  EXPECT_GT(DiskBytes(scratch.path()).value_or(0), 0u);
  EXPECT_FALSE(DiskBytes(scratch.Path("none")));
}

TEST(BytesBelow, CountsWhatFilesTakeUp) {
  ScratchFolder scratch;
  uint64_t before = BytesBelow(scratch.path());
  scratch.Write("a/b/file", std::string(100'000, 'x'));
  SyncFiles({scratch.Path("a/b/file")});
  uint64_t after = BytesBelow(scratch.path());
  EXPECT_GE(after, before + 50'000);
  fs::create_directory_symlink("/usr", scratch.Path("link"));
  EXPECT_LT(BytesBelow(scratch.path()), after + 50'000);
  EXPECT_EQ(BytesBelow(scratch.Path("none")), 0u);
}

TEST(ReadText, GivesAllBytesOrSaysWhyNot) {
  ScratchFolder scratch;
  std::string bytes = std::string("a\0\r\n\xff", 5) + std::string(200'000, 'x');
  scratch.Write("file", bytes);
  scratch.Write("empty", "");
  std::string text = "of before";
  EXPECT_FALSE(ReadText(scratch.Path("file"), text));
  EXPECT_EQ(text, bytes);
  EXPECT_FALSE(ReadText(scratch.Path("empty"), text));
  EXPECT_EQ(text, "");
  EXPECT_EQ(ReadText(scratch.Path("none"), text), std::errc::no_such_file_or_directory);
  EXPECT_EQ(ReadText(scratch.path(), text), std::errc::is_a_directory);
}

TEST(ReadText, WaitsForNoPipeAndReadsNoDevice) {
  ScratchFolder scratch;
  std::string text;
  ASSERT_EQ(::mkfifo(scratch.Path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadText(scratch.Path("pipe"), text), std::errc::no_such_device_or_address);
  fs::create_symlink("/dev/zero", scratch.Path("device"));
  EXPECT_EQ(ReadText(scratch.Path("device"), text), std::errc::no_such_device_or_address);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { SyncFiles({scratch.Path("pipe")}); }), "pipe");
}

TEST(WriteNew, WritesForThisAccountAndReplacesNothing) {
  ScratchFolder scratch;
  std::string text(3'000'000, 'x');
  WriteNew(scratch.Path("file"), text);
  EXPECT_EQ(scratch.Read("file"), text);
  EXPECT_EQ(AccessOf(scratch.Path("file")), 0600u);
  fs::create_symlink(scratch.Path("nowhere"), scratch.Path("link"));
  for (const char* name : {"file", "link"}) {
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { WriteNew(scratch.Path(name), "other"); }),
                    "File exists");
  }
  EXPECT_FALSE(fs::exists(scratch.Path("nowhere")));
  EXPECT_EQ(scratch.Read("file"), text);
  EXPECT_EQ(ErrorOf(ErrorKind::kIo, [&] { WriteNew(scratch.Path("none/file"), ""); }),
            "Creating '" + scratch.Path("none/file") + "' failed: No such file or directory.");
}

TEST(AppendedFile, AddsToWhatIsThere) {
  ScratchFolder scratch;
  std::string path = scratch.Path("log");
  {
    AppendedFile file(path);
    file.Append("one\n");
    EXPECT_EQ(scratch.Read("log"), "one\n");
  }
  AppendedFile(path).Append("two\n");
  EXPECT_EQ(scratch.Read("log"), "one\ntwo\n");
  EXPECT_EQ(AccessOf(path), 0600u);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { AppendedFile file(scratch.Path("none/log")); }),
                  "No such file");
  AppendedFile full("/dev/full");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { full.Append("text"); }), "No space left");
}

TEST(MakingFolders, AreMadeOnceByOneOfManyThatTry) {
  ScratchFolder scratch;
  mode_t previous = ::umask(022);
  EXPECT_FALSE(MakeNewFolder(scratch.Path("private"), Access::kPrivate));
  EXPECT_FALSE(MakeNewFolder(scratch.Path("shared"), Access::kShared));
  ::umask(previous);
  EXPECT_EQ(AccessOf(scratch.Path("private")), 0700u);
  EXPECT_EQ(AccessOf(scratch.Path("shared")), 0755u);
  EXPECT_EQ(MakeNewFolder(scratch.Path("shared"), Access::kShared), std::errc::file_exists);
  EXPECT_EQ(MakeNewFolder(scratch.Path("a/b"), Access::kShared),
            std::errc::no_such_file_or_directory);
  for (int round = 0; round < 20; ++round) {
    std::string path = scratch.Path("raced-" + std::to_string(round));
    EXPECT_EQ(NumOfRacers([&](int) { return !MakeNewFolder(path, Access::kShared); }), 1);
  }
}

TEST(MakingFolders, MayBeThereAlready) {
  ScratchFolder scratch;
  scratch.Write("file", "");
  EXPECT_EQ(MakeFolder(scratch.Path("a/b")), std::errc::no_such_file_or_directory);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(MakeFolders(scratch.Path("a/b/c")));
    EXPECT_FALSE(MakeFolder(scratch.Path("a/d")));
  }
  EXPECT_EQ(scratch.List("a"), (std::vector<std::string>{"b", "d"}));
  EXPECT_FALSE(MakeFolder(scratch.Path("file")));
  EXPECT_TRUE(MakeFolders(scratch.Path("file/below")));
  EXPECT_FALSE(IsFolder(scratch.Path("file")));
}

TEST(CopyAccess, LetsThoseInWhoMayEnterTheOther) {
  ScratchFolder scratch;
  fs::create_directory(scratch.Path("like"));
  fs::permissions(scratch.Path("like"), fs::perms(0750));
  EXPECT_FALSE(MakeNewFolder(scratch.Path("folder"), Access::kPrivate));
  EXPECT_FALSE(CopyAccess(scratch.Path("like"), scratch.Path("folder")));
  EXPECT_EQ(AccessOf(scratch.Path("folder")), 0750u);
  EXPECT_EQ(CopyAccess(scratch.Path("none"), scratch.Path("folder")),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(CopyAccess(scratch.Path("like"), scratch.Path("none")),
            std::errc::no_such_file_or_directory);
}

TEST(LinkFile, ReplacesNothing) {
  ScratchFolder scratch;
  scratch.Write("file", "new");
  scratch.Write("there", "old");
  fs::create_directory(scratch.Path("folder"));
  fs::create_symlink(scratch.Path("none"), scratch.Path("dangling"));
  EXPECT_FALSE(LinkFile(scratch.Path("file"), scratch.Path("name")));
  EXPECT_EQ(scratch.Read("name"), "new");
  for (const char* name : {"name", "there", "folder", "dangling"})
    EXPECT_EQ(LinkFile(scratch.Path("file"), scratch.Path(name)), std::errc::file_exists) << name;
  EXPECT_EQ(scratch.Read("there"), "old");
  EXPECT_EQ(LinkFile(scratch.Path("file"), scratch.Path("gone/name")),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(LinkFile(scratch.Path("none"), scratch.Path("other")),
            std::errc::no_such_file_or_directory);
}

TEST(LinkFile, LetsOneOfManyHaveAName) {
  ScratchFolder scratch;
  for (int i = 0; i < kRacers; ++i) scratch.Write(std::to_string(i), std::to_string(i));
  for (int round = 0; round < 20; ++round) {
    std::string name = "raced-" + std::to_string(round);
    std::atomic<int> winner = -1;
    EXPECT_EQ(NumOfRacers([&](int i) {
                bool is_first = !LinkFile(scratch.Path(std::to_string(i)), scratch.Path(name));
                if (is_first) winner = i;
                return is_first;
              }),
              1);
    EXPECT_EQ(scratch.Read(name), std::to_string(winner));
  }
}

TEST(Rename, ReplacesFilesAndEmptyFoldersAlone) {
  ScratchFolder scratch;
  scratch.Write("file", "new");
  scratch.Write("there", "old");
  EXPECT_FALSE(Rename(scratch.Path("file"), scratch.Path("there")));
  EXPECT_EQ(scratch.Read("there"), "new");
  scratch.Write("a/of-a", "");
  scratch.Write("b/of-b", "");
  fs::create_directory(scratch.Path("empty"));
  EXPECT_EQ(Rename(scratch.Path("a"), scratch.Path("b")), std::errc::file_exists);
  EXPECT_EQ(scratch.List("b"), std::vector<std::string>{"of-b"});
  EXPECT_FALSE(Rename(scratch.Path("a"), scratch.Path("empty")));
  EXPECT_EQ(scratch.List("empty"), std::vector<std::string>{"of-a"});
  EXPECT_EQ(Rename(scratch.Path("b"), scratch.Path("there")), std::errc::not_a_directory);
  EXPECT_EQ(Rename(scratch.Path("none"), scratch.Path("other")),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(Rename(scratch.Path("b"), scratch.Path("gone/b")),
            std::errc::no_such_file_or_directory);
}

TEST(Removing, DoesNotMindWhatIsGone) {
  ScratchFolder scratch;
  scratch.Write("file", "");
  scratch.Write("full/file", "");
  fs::create_directory(scratch.Path("empty"));
  EXPECT_FALSE(RemoveFile(scratch.Path("file")));
  EXPECT_FALSE(RemoveFile(scratch.Path("file")));
  EXPECT_FALSE(RemoveFile(scratch.Path("none/file")));
  EXPECT_TRUE(RemoveFile(scratch.Path("full")));
  EXPECT_FALSE(RemoveEmptyFolder(scratch.Path("full")));
  EXPECT_TRUE(RemoveEmptyFolder(scratch.Path("empty")));
  EXPECT_FALSE(RemoveEmptyFolder(scratch.Path("empty")));
  RemoveTree(scratch.Path("none"));
  EXPECT_EQ(scratch.List(), std::vector<std::string>{"full"});
}

TEST(RemoveTree, LeavesWhatLinksLeadTo) {
  ScratchFolder scratch;
  scratch.Write("kept/file", "");
  scratch.Write("tree/a/b/file", "");
  fs::create_directory_symlink(scratch.Path("kept"), scratch.Path("tree/a/link"));
  RemoveTree(scratch.Path("tree"));
  EXPECT_EQ(scratch.List(), std::vector<std::string>{"kept"});
  EXPECT_EQ(scratch.List("kept"), std::vector<std::string>{"file"});
}

TEST(Syncing, PassesOverFoldersThatAreGoneAndNoFiles) {
  ScratchFolder scratch;
  scratch.Write("folder/file", "text");
  SyncFiles({scratch.Path("folder/file")});
  SyncFolders({scratch.path(), scratch.Path("folder"), scratch.Path("none")});
  EXPECT_EQ(
      ErrorOf(ErrorKind::kIo, [&] { SyncFiles({scratch.Path("none")}); }),
      "Writing '" + scratch.Path("none") + "' to the disk failed: No such file or directory.");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { SyncFolders({scratch.Path("folder/file")}); }),
                  "Not a directory");
}

}  // namespace
}  // namespace smallpond
