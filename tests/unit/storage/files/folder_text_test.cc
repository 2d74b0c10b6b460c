#include "storage/files/folder_text.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "error_of.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

std::string AnyBytes(size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  return bytes;
}

TEST(FolderText, KeepsAnyBytesInNamesOfEmptyFolders) {
  ScratchFolder scratch;
  for (size_t size : {0, 1, 2, 3, 179, 180, 181, 10'000}) {
    std::string name = "text-" + std::to_string(size);
    MakeFolderText(scratch.Path(name), AnyBytes(size));
    EXPECT_EQ(ReadFolderText(scratch.Path(name)), AnyBytes(size)) << size;
    for (const auto& entry : fs::recursive_directory_iterator(scratch.Path(name)))
      EXPECT_TRUE(entry.is_directory() && fs::is_empty(entry)) << entry.path();
  }
}

TEST(FolderText, IsReadUpToAPieceThatIsMissing) {
  ScratchFolder scratch;
  MakeFolderText(scratch.Path("text"), AnyBytes(1000));
  fs::remove(scratch.Path("text") + "/" + scratch.List("text").at(3));
  EXPECT_EQ(ReadFolderText(scratch.Path("text")), AnyBytes(3 * 180));
}

TEST(FolderText, IsMissingOrCannotBeRead) {
  ScratchFolder scratch;
  scratch.Write("file", "");
  fs::create_symlink(scratch.Path("circle"), scratch.Path("circle"));
  EXPECT_EQ(ReadFolderText(scratch.Path("none")), std::nullopt);
  EXPECT_EQ(ReadFolderText(scratch.Path("file")), std::nullopt);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { ReadFolderText(scratch.Path("circle")); }),
                  "Reading the folder '" + scratch.Path("circle") + "' failed");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { MakeFolderText(scratch.Path("a/b"), "x"); }),
                  "No such file");
}

TEST(CreateFolderText, TakesAFreeNameOnly) {
  ScratchFolder scratch;
  fs::create_directory(scratch.Path("out"));
  scratch.Write("out/file", "");
  for (const char* name : {"first", "second", "third"}) MakeFolderText(scratch.Path(name), name);
  EXPECT_EQ(CreateFolderText(scratch.Path("first"), scratch.Path("none/name")),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(ReadFolderText(scratch.Path("first")), "first");
  EXPECT_FALSE(CreateFolderText(scratch.Path("first"), scratch.Path("out/name")));
  EXPECT_EQ(CreateFolderText(scratch.Path("second"), scratch.Path("out/name")),
            std::errc::file_exists);
  EXPECT_EQ(CreateFolderText(scratch.Path("third"), scratch.Path("out/file")),
            std::errc::file_exists);
  EXPECT_EQ(ReadFolderText(scratch.Path("out/name")), "first");
  EXPECT_EQ(ReadFolderText(scratch.Path("second")), "second");
  EXPECT_EQ(CreateFolderText(scratch.Path("gone"), scratch.Path("out/other")),
            std::errc::no_such_file_or_directory);
}

// A network file system that lost its answer is asked again, and finds nothing to rename.
TEST(CreateFolderText, KnowsWhatWasDoneWithoutAnAnswer) {
  ScratchFolder scratch;
  MakeFolderText(scratch.Path("made"), "text");
  fs::rename(scratch.Path("made"), scratch.Path("name"));
  EXPECT_FALSE(CreateFolderText(scratch.Path("made"), scratch.Path("name")));
}

TEST(CreateFolderText, IsDoneByOneOfManyAndShowsItsWholeText) {
  ScratchFolder scratch;
  constexpr int kWriters = 8;
  for (int round = 0; round < 10; ++round) {
    std::string path = scratch.Path("raced-" + std::to_string(round));
    std::atomic<int> num_created = 0, winner = -1;
    std::vector<std::jthread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        std::string made = path + "." + std::to_string(i);
        MakeFolderText(made, AnyBytes(500) + std::to_string(i));
        if (CreateFolderText(made, path)) return;
        ++num_created;
        winner = i;
        EXPECT_EQ(ReadFolderText(path), AnyBytes(500) + std::to_string(i));
      });
    }
    writers.clear();
    EXPECT_EQ(num_created, 1);
    EXPECT_EQ(ReadFolderText(path), AnyBytes(500) + std::to_string(winner));
  }
}

TEST(RemoveFolderText, RemovesFoldersFilesAndWhatWasLeftAside) {
  ScratchFolder scratch;
  MakeFolderText(scratch.Path("text"), AnyBytes(1000));
  scratch.Write("file", "of an earlier smallpond");
  RemoveFolderText(scratch.Path("text"), scratch.Path("aside"));
  RemoveFolderText(scratch.Path("file"), scratch.Path("aside"));
  RemoveFolderText(scratch.Path("none"), scratch.Path("aside"));
  MakeFolderText(scratch.Path("aside"), "of one who died over it");
  RemoveFolderText(scratch.Path("none"), scratch.Path("aside"));
  EXPECT_TRUE(scratch.List().empty());
}

}  // namespace
}  // namespace smallpond
