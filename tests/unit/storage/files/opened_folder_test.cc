#include "storage/files/opened_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/shown_paths.h"
#include "error_of.h"
#include "scratch_folder.h"
#include "storage/files/file_system.h"

// What somebody who may write to the folder above can do to a folder of ours.

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kOther = 12345;

TEST(OpenedFolder, IsTheOneThatWasMadeWhateverHasItsName) {
  ScratchFolder scratch;
  const std::string path = scratch.Path("ours");
  OpenedFolder folder = OpenedFolder::Make(path);
  EXPECT_TRUE(folder.access().is_private);
  fs::rename(path, scratch.Path("away"));
  fs::create_directory(path);
  WriteNew(folder.opened_path() + "/rows", "secret");
  EXPECT_TRUE(fs::is_empty(path));
  EXPECT_TRUE(fs::exists(scratch.Path("away/rows")));
  fs::create_directory(folder.opened_path() + "/below");
  WriteNew(folder.opened_path() + "/below/rows", "secret");
  folder.Remove();
  EXPECT_TRUE(fs::exists(path)) << "it is not ours";
  EXPECT_TRUE(fs::is_empty(scratch.Path("away")));
}

TEST(OpenedFolder, GoesWithItsName) {
  ScratchFolder scratch;
  OpenedFolder folder = OpenedFolder::Make(scratch.Path("ours"));
  WriteNew(folder.opened_path() + "/rows", "rows");
  folder.Remove();
  EXPECT_TRUE(fs::is_empty(scratch.path()));
}

TEST(OpenedFolder, IsCalledByItsPathInErrors) {
  ScratchFolder scratch;
  OpenedFolder folder = OpenedFolder::Make(scratch.Path("ours"));
  const std::string& opened = folder.opened_path();
  EXPECT_NE(opened, folder.path());
  EXPECT_EQ(Error(ErrorKind::kIo, "'" + opened + "/a' and " + opened + "0").what(),
            "'" + folder.path() + "/a' and " + opened + "0");
  const std::string error =
      ErrorOf(ErrorKind::kIo, [&] { WriteNew(opened + "/missing/a", "rows"); });
  EXPECT_CONTAINS(error, scratch.Path("ours/missing/a"));
}

TEST(OpenedFolder, IsNoLink) {
  ScratchFolder scratch;
  fs::create_directory(scratch.Path("theirs"));
  fs::create_directory_symlink(scratch.Path("theirs"), scratch.Path("ours"));
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { OpenedFolder::Make(scratch.Path("ours")); }),
                  "File exists");
  ErrorOf(ErrorKind::kIo, [&] { OpenedFolder::Open(scratch.Path("ours"), {getuid(), true}); });
}

TEST(OpenedFolder, OthersMayEnterOnlyIfTheyAlwaysCould) {
  ScratchFolder scratch;
  const std::string path = scratch.Path("open");
  fs::create_directory(path);
  ASSERT_EQ(chmod(path.c_str(), 0777), 0);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { OpenedFolder::Open(path, {getuid(), true}); }),
                  "other accounts may enter it");
  EXPECT_FALSE(OpenedFolder::Open(path, {getuid(), false}).access().is_private);
}

TEST(OpenedFolder, IsOfNoOtherAccount) {
  if (geteuid() != 0) GTEST_SKIP() << "only root makes folders of others";
  ScratchFolder scratch;
  const std::string path = scratch.Path("theirs");
  fs::create_directory(path);
  ASSERT_EQ(chown(path.c_str(), kOther, kOther), 0);
  ASSERT_EQ(chmod(path.c_str(), 0700), 0);
  const std::string error = ErrorOf(ErrorKind::kIo, [&] { OpenedFolder::Open(path, {0, true}); });
  EXPECT_CONTAINS(error, "'" + path + "'");
  EXPECT_CONTAINS(error, "belongs to account 12345");
  // As the driver saw it on a file system that gives root's folders to another.
  EXPECT_EQ(OpenedFolder::Open(path, {kOther, true}).access().owner, kOther);
}

}  // namespace
}  // namespace smallpond
