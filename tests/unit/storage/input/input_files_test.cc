#include "storage/input/input_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "commit_staged.h"
#include "error_of.h"
#include "scratch_folder.h"
#include "storage/output/output_committer.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class InputFiles : public ::testing::Test {
 protected:
  // The files, relative to the scratch folder, that the paths stand for. A glob matches `matches_`.
  // Those that are not read go to `unread`.
  Names List(const Names& paths, bool recursive = false, Names* unread = nullptr) const {
    Names absolute;
    for (const auto& path : paths)
      absolute.push_back(path.find("://") == path.npos ? folder_.Path(path) : path);
    auto glob = [this](const std::string& pattern) {
      patterns_.push_back(pattern);
      Names matches;
      for (const auto& match : matches_) matches.push_back(folder_.Path(match));
      return matches;
    };
    auto files = ListInputFiles(absolute, {".parquet", ".pq"}, recursive, glob);
    if (unread) *unread = Relative(files.unread);
    return Relative(files.paths);
  }

  Names Relative(Names files) const {
    for (auto& file : files) {
      if (file.starts_with(folder_.path() + "/")) file = file.substr(folder_.path().size() + 1);
    }
    return files;
  }

  void Touch(const Names& names) const {
    for (const auto& name : names) folder_.Write(name, "");
  }

  // Writes the folder as smallpond does, and returns the names without their tag's length of hex
  // digits.
  void Commit(const std::string& name, const Names& files,
              OutputCommitter::StepHook hook = {}) const {
    auto committer =
        OutputCommitter::Begin(folder_.Path(name), WriteMode::kOverwrite, "job", std::move(hook));
    for (const auto& file : files) {
      fs::path path = committer->staging_folder() + "/" + file + OutputCommitter::kStagedEnding;
      fs::create_directories(path.parent_path());
      std::ofstream(path) << file;
    }
    CommitStaged(*committer);
  }

  ScratchFolder folder_;
  Names matches_;
  mutable Names patterns_;  // What was globbed.
};

TEST_F(InputFiles, AreFilesAsTheyWereNamed) {
  Touch({"a.parquet", "b.txt", "star*.parquet", "a[1].parquet"});
  EXPECT_EQ(List({"a.parquet"}), Names({"a.parquet"}));
  EXPECT_EQ(List({"b.txt", "a.parquet", "b.txt"}), Names({"b.txt", "a.parquet", "b.txt"}))
      << "named is named";
  EXPECT_EQ(List({"star*.parquet", "a[1].parquet"}), Names({"star*.parquet", "a[1].parquet"}))
      << "no globs";
  EXPECT_EQ(List({"s3://bucket/folder/*.parquet"}), Names({"s3://bucket/folder/*.parquet"}));
}

TEST_F(InputFiles, OfAGlobAreItsMatches) {
  matches_ = {"x/1.parquet", "x/2.parquet"};
  EXPECT_EQ(List({"x/*.parquet"}), matches_);
  matches_ = {};
  EXPECT_EQ(ErrorOf(ErrorKind::kIo, [&] { List({"x/*.parquet"}); }),
            "No file matches '" + folder_.Path("x/*.parquet") +
                "'. Check the path; a relative one starts at data_dir or the current folder.");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { List({"missing.parquet"}); }),
                  "There is no file '" + folder_.Path("missing.parquet") + "'.");
}

TEST_F(InputFiles, OfAGlobAreInTheFolderOfThatName) {
  Touch({"a[1]/b[2]/x.parquet", "a1/b2/x.parquet"});
  matches_ = {"a[1]/b[2]/x.parquet"};
  EXPECT_EQ(List({"a[1]/b[2]/*.parquet"}), matches_);
  EXPECT_EQ(patterns_.back(), folder_.Path("a[[]1]/b[[]2]/*.parquet"));
  List({"a[1]/[b]*/b[2]/*.parquet"});
  EXPECT_EQ(patterns_.back(), folder_.Path("a[[]1]/[b]*/b[2]/*.parquet")) << "behind a pattern";
  List({"[a]*/*.parquet"});
  EXPECT_EQ(patterns_.back(), folder_.Path("[a]*/*.parquet"));
}

TEST_F(InputFiles, OfAFolderAreThoseWithTheEndingsInOrder) {
  Touch({"in/b.parquet", "in/a.parquet", "in/c.pq", "in/notes.txt", "in/x.parquet.tmp",
         "in/.hidden.parquet", "in/_SUCCESS", "in/_part.parquet", "in/deep/d.parquet",
         "in/B.parquet"});
  EXPECT_EQ(List({"in"}), Names({"in/B.parquet", "in/a.parquet", "in/b.parquet", "in/c.pq"}));
  EXPECT_EQ(List({"in"}, true), Names({"in/B.parquet", "in/a.parquet", "in/b.parquet", "in/c.pq",
                                       "in/deep/d.parquet"}));
}

TEST_F(InputFiles, OfAFolderAreThoseInAnyCaseAndThoseWithoutEndings) {
  Touch({"in/A.PARQUET", "in/b.Pq", "in/part-0000", "in/000001_0", "in/README", "in/c.csv",
         "in/part-0001.gz", "in/d.parquet.crc", "in/deep/e.parquet"});
  Names unread;
  EXPECT_EQ(List({"in"}, false, &unread),
            Names({"in/000001_0", "in/A.PARQUET", "in/b.Pq", "in/part-0000"}));
  EXPECT_EQ(unread, Names({"in/README", "in/c.csv", "in/deep/", "in/part-0001.gz"}));
}

TEST_F(InputFiles, OfAPipeAreWhatTheGlobMakesOfIt) {
  ASSERT_EQ(::mkfifo(folder_.Path("pipe").c_str(), 0600), 0);
  matches_ = {"copy"};
  EXPECT_EQ(List({"pipe"}), Names({"copy"}));
  EXPECT_EQ(patterns_.back(), folder_.Path("pipe"));
}

TEST_F(InputFiles, OfAFolderAreThoseOfHiveFoldersToo) {
  Touch({"in/day=1/a.parquet", "in/day=2/hour=3/b.parquet", "in/plain/c.parquet",
         "in/.git/d.parquet", "in/_tmp/e.parquet", "in/day=2/plain/f.parquet", "in/g.parquet"});
  EXPECT_EQ(List({"in"}),
            Names({"in/day=1/a.parquet", "in/day=2/hour=3/b.parquet", "in/g.parquet"}));
  EXPECT_EQ(List({"in"}, true),
            Names({"in/day=1/a.parquet", "in/day=2/hour=3/b.parquet", "in/day=2/plain/f.parquet",
                   "in/g.parquet", "in/plain/c.parquet"}));
}

TEST_F(InputFiles, FollowLinksButNotForEver) {
  Touch({"real/a.parquet", "in/b.parquet"});
  fs::create_directory_symlink(folder_.Path("real"), folder_.Path("in/link"));
  fs::create_directory_symlink(folder_.Path("in"), folder_.Path("in/self"));
  fs::create_directory_symlink(folder_.Path("in"), folder_.Path("real/back"));
  fs::create_symlink(folder_.Path("real/a.parquet"), folder_.Path("in/c.parquet"));
  EXPECT_EQ(List({"in"}), Names({"in/b.parquet", "in/c.parquet"}));
  EXPECT_EQ(List({"in"}, true), Names({"in/b.parquet", "in/c.parquet", "in/link/a.parquet"}));
}

TEST_F(InputFiles, OfAFolderThatWasCommittedAreItsLatestVersion) {
  Commit("out", {"b.parquet", "a.parquet", "day=1/c.parquet"});
  EXPECT_EQ(List({"out"}), Names({"out/a.parquet", "out/b.parquet", "out/day=1/c.parquet"}));
  Commit("out", {"d.parquet"});
  EXPECT_EQ(List({"out"}), Names({"out/d.parquet"}));
  matches_ = {"out/a.parquet", "out/stray.parquet"};  // What the file system still shows.
  EXPECT_EQ(List({"out/*.parquet"}), Names({"out/d.parquet"}))
      << "a glob of one folder sees the version too";
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { List({"out/a*.parquet"}); }), "No file matches");
}

TEST_F(InputFiles, AreNotHiddenByACommittedFolderBesideThem) {
  Commit("in/out", {"a.parquet"});
  Touch({"in/b.parquet"});
  EXPECT_EQ(List({"in"}), Names({"in/b.parquet"}));
  EXPECT_EQ(List({"in"}, true), Names({"in/b.parquet", "in/out/a.parquet"}));
}

TEST_F(InputFiles, AreThoseOfAVersionThatIsNotPublishedYet) {
  Commit("out", {"old.parquet"});
  struct Crash {};
  EXPECT_THROW(Commit("out", {"new.parquet"},
                      [&](const char* step) {
                        if (std::string(step) == "committed") {
                          Names files = List({"out"});
                          ASSERT_EQ(files.size(), 1u);
                          EXPECT_EQ(folder_.Read(files[0]), "new.parquet") << files[0];
                          throw Crash();
                        }
                      }),
               Crash);
}

TEST_F(InputFiles, SayWhatIsWrong) {
  Touch({"in/a.txt", "in/b.txt", "in/deep/c.parquet"});
  fs::create_directory(folder_.Path("empty"));
  EXPECT_EQ(InvalidInputOf([&] { List({}); }),
            "The list of paths is empty. Give at least one path.");
  EXPECT_EQ(InvalidInputOf([&] { List({"in"}); }),
            "The folder '" + folder_.Path("in") +
                "' holds no file that ends in .parquet; it holds 3 others, such as '" +
                folder_.Path("in/a.txt") +
                "'. Name the files with a glob, or use recursive for folders below it.");
  EXPECT_CONTAINS(InvalidInputOf([&] { List({"empty"}, true); }), "it holds 0 others");
}

}  // namespace
}  // namespace smallpond
