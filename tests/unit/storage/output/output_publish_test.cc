#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "output_writes.h"
#include "storage/files/file_hash.h"

namespace smallpond {
namespace {

const Layout& Flat() { return kLayouts[0]; }

// How often a write does each step.
class StepCount {
 public:
  OutputCommitter::StepHook hook() {
    return [this](const char* step) { ++counts_[step]; };
  }
  int linked() { return counts_["linked"]; }
  int removed() { return counts_["removed"]; }

 private:
  std::map<std::string, int> counts_;
};

TEST(OutputPublisher, WorksOnWhatAVersionAddsAndReplacesOnly) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  for (int i = 0; i < 20; ++i) Write(folder, WriteMode::kOverwrite, Flat(), "old");
  StepCount overwrite;
  Write(folder, WriteMode::kOverwrite, Flat(), "a", overwrite.hook());
  EXPECT_EQ(overwrite.linked(), 3);
  EXPECT_EQ(overwrite.removed(), 3) << "of one version, not of all whose manifests are kept";
  for (int i = 0; i < 5; ++i) {
    StepCount append;
    Write(folder, WriteMode::kAppend, Flat(), "b" + std::to_string(i), append.hook());
    EXPECT_EQ(append.linked(), 3) << "those of earlier versions have their names";
    EXPECT_EQ(append.removed(), 0);
  }
  StepCount last;
  Write(folder, WriteMode::kOverwrite, Flat(), "c", last.hook());
  EXPECT_EQ(last.removed(), 18);
  ExpectClean(folder, TextsOf(Flat(), "c"));
}

// Bytes of a version's own manifest.
size_t ManifestBytes(const std::string& folder, int64_t version) {
  char name[64];
  std::snprintf(name, sizeof name, "manifest-%010lld", static_cast<long long>(version));
  size_t bytes = 0;
  for (const auto& piece : fs::directory_iterator(fs::path(folder) / kOutputMetadataFolder / name))
    bytes += piece.path().filename().string().size();
  return bytes;
}

TEST(OutputPublisher, AppendsToAVersionWithoutListingItsFilesAgain) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  Texts expected = TextsOf(Flat(), "first");
  Write(folder, WriteMode::kOverwrite, Flat(), "first");
  size_t of_first = ManifestBytes(folder, 1);
  std::vector<size_t> own;
  for (int version = 2; version <= 40; ++version) {
    std::string text = "append " + std::to_string(version);
    Write(folder, WriteMode::kAppend, Flat(), text);
    expected = expected + TextsOf(Flat(), text);
    ExpectReadersSee(folder, Flat(), expected);
    EXPECT_EQ(ReadLatestManifest(folder)->files.size(), expected.size());
    EXPECT_GE(ReadManifests(folder).size(), 1u);
    own.push_back(ManifestBytes(folder, version));
  }
  auto is_short = [&](size_t bytes) { return bytes < 2 * of_first; };
  auto num_short = std::count_if(own.begin(), own.end(), is_short);
  EXPECT_GE(num_short, 34) << "the others list all files, for the next to refer to";
  EXPECT_LT(num_short, 39);
  auto latest = ReadLatestManifest(folder);
  for (const auto& file : latest->files) EXPECT_EQ(file.hash, HashFile(folder + "/" + file.name));
  // The last ones are read however many there were, and an overwrite refers to none.
  Write(folder, WriteMode::kOverwrite, Flat(), "last");
  ExpectClean(folder, TextsOf(Flat(), "last"));
  EXPECT_FALSE(ReadLatestManifest(folder)->base);
}

TEST(OutputPublisher, RemovesWhatASlowerPublisherLeft) {
  for (const Layout& layout : kLayouts) {
    ScratchFolder scratch;
    std::string folder = scratch.Path("out");
    Write(folder, WriteMode::kOverwrite, layout, "first");
    OutputManifest first = *ReadLatestManifest(folder);
    for (int i = 0; i < 5; ++i) Write(folder, WriteMode::kOverwrite, layout, "next");
    // It linked a file of the first version, and made a folder, after they had been removed.
    scratch.Write("out/" + first.files[0].name, "late");
    fs::create_directories((fs::path(folder) / first.files[2].name).parent_path());
    ExpectReadersSee(folder, layout, TextsOf(layout, "next"));
    Write(folder, WriteMode::kOverwrite, layout, "last");
    ExpectClean(folder, TextsOf(layout, "last"));
  }
}

TEST(OutputPublisher, AFailureBehindTheCommitIsNoFailedWrite) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  Write(folder, WriteMode::kOverwrite, Flat(), "old");
  OutputManifest old = *ReadLatestManifest(folder);
  WriteResult result = Write(folder, WriteMode::kOverwrite, Flat(), "new", [&](const char* step) {
    if (std::string(step) != "committed") return;
    fs::remove(folder + "/" + old.files[0].name);
    scratch.Write("out/" + old.files[0].name + "/in-the-way", "");
  });
  EXPECT_CONTAINS(result.publish_error, "Removing '" + folder + "/" + old.files[0].name + "'");
  EXPECT_EQ(result.num_files, 3);
  ExpectReadersSee(folder, Flat(), TextsOf(Flat(), "new"));
  fs::remove_all(folder + "/" + old.files[0].name);
  RecoverOutputFolder(folder);
  EXPECT_TRUE(IsPublished(folder, ReadLatestManifest(folder)->version));
  ExpectReadersSee(folder, Flat(), TextsOf(Flat(), "new"));
  for (const auto& file : old.files) EXPECT_FALSE(fs::exists(folder + "/" + file.name));
}

TEST(OutputCommitter, AFileWithoutRowsGivesWayToRows) {
  const Layout one{"one", {"part-"}, ""};
  auto write = [&](const std::string& folder, WriteMode mode, const std::string& version) {
    return Write(folder, mode, one, version, {}, !version.starts_with("empty"));
  };
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  EXPECT_EQ(write(folder, WriteMode::kAppend, "empty1").num_files, 1);
  EXPECT_EQ(write(folder, WriteMode::kAppend, "empty2").num_files, 0) << "one is there";
  ExpectClean(folder, TextsOf(one, "empty1"));
  write(folder, WriteMode::kAppend, "a");
  ExpectClean(folder, TextsOf(one, "a"));
  EXPECT_EQ(write(folder, WriteMode::kAppend, "empty3").num_files, 0);
  write(folder, WriteMode::kAppend, "b");
  ExpectClean(folder, TextsOf(one, "a") + TextsOf(one, "b"));
  write(folder, WriteMode::kOverwrite, "empty4");
  ExpectClean(folder, TextsOf(one, "empty4"));
}

TEST(OutputCommitter, AnAppendLiesByTheSameColumns) {
  ScratchFolder scratch;
  std::string folder = scratch.Path("out");
  const std::vector<PartitionColumn> by_x = {{"x", "x", "INTEGER"}};
  auto write = [&](WriteMode mode, const std::vector<PartitionColumn>& columns) {
    auto committer = OutputCommitter::Begin(folder, mode, "job");
    committer->Describe({.columns = {}, .dialect = "", .partition_by = columns});
    Stage(*committer, Flat(), "a");
    CommitStaged(*committer);
  };
  write(WriteMode::kOverwrite, by_x);
  EXPECT_EQ(ReadLatestManifest(folder)->partition_by, by_x);
  EXPECT_CONTAINS(InvalidInputOf([&] { write(WriteMode::kAppend, {}); }),
                  "are partitioned by x, and the ones to append by no columns");
  EXPECT_CONTAINS(InvalidInputOf([&] { write(WriteMode::kAppend, {{"y", "y", "INTEGER"}}); }),
                  "by x, and the ones to append by y");
  write(WriteMode::kAppend, {{"x", "x", "DATE"}});
  EXPECT_EQ(ReadLatestManifest(folder)->partition_by[0].type, "VARCHAR") << "holds both";
  write(WriteMode::kOverwrite, {});
  EXPECT_TRUE(ReadLatestManifest(folder)->partition_by.empty());
  EXPECT_EQ(ReadLatestManifest(folder)->files.size(), 3u);
}

TEST(OutputCommitter, BeginsAgainWithWhatIsStaged) {
  ScratchFolder scratch;
  auto committer = OutputCommitter::Begin(scratch.Path("out"), WriteMode::kOverwrite, "job");
  Stage(*committer, kLayouts[1], "first");
  committer->StageAnew();
  Stage(*committer, Flat(), "second");
  EXPECT_EQ(CommitStaged(*committer).num_files, 3);
  ExpectClean(scratch.Path("out"), TextsOf(Flat(), "second"));
}

}  // namespace
}  // namespace smallpond
