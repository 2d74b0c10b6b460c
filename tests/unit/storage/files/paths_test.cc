#include "storage/files/paths.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "error_of.h"

namespace smallpond {
namespace {

TEST(IsRemote, TellsUrlsFromPaths) {
  for (const std::string url :
       {"s3://bucket/key", "https://host/x.parquet", "hf://datasets/a", "gs://b", "file:///x"})
    EXPECT_TRUE(IsRemote(url)) << url;
  for (const std::string path : {"/data/x", "x", "", "a:b", "s3:/x", "C:/x"})
    EXPECT_FALSE(IsRemote(path)) << path;
}

TEST(CheckCanBeWritten, RefusesUrls) {
  EXPECT_NO_THROW(CheckCanBeWritten("/data/out"));
  EXPECT_EQ(
      ErrorOf(ErrorKind::kUnsupported, [] { CheckCanBeWritten("s3://bucket/out"); }),
      "Writing to 's3://bucket/out' is not in this version. Write to a local or mounted folder.");
}

TEST(ResolvePath, StartsAtTheBaseOrTheCurrentFolder) {
  std::string current = std::filesystem::current_path().string();
  EXPECT_EQ(ResolvePath("a/b", "/base"), "/base/a/b");
  EXPECT_EQ(ResolvePath("a/b", ""), current + "/a/b");
  EXPECT_EQ(ResolvePath("a", "base"), current + "/base/a");
  EXPECT_EQ(ResolvePath("/a/b", "/base"), "/a/b");
  EXPECT_EQ(ResolvePath("../x/./y//z", "/base/deep"), "/base/x/y/z");
  EXPECT_EQ(ResolvePath("*.parquet", "/base"), "/base/*.parquet");
}

TEST(ResolvePath, LeavesUrlsAlone) {
  EXPECT_EQ(ResolvePath("s3://bucket/a//b/../c", "/base"), "s3://bucket/a//b/../c");
}

TEST(ResolvePath, PutsTheHomeFolderForATilde) {
  std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  setenv("HOME", "/home-of-test", 1);
  EXPECT_EQ(ResolvePath("~/data", "/base"), "/home-of-test/data");
  EXPECT_EQ(ResolvePath("~", "/base"), "/home-of-test");
  EXPECT_EQ(ResolvePath("~other/data", "/base"), "/base/~other/data");
  EXPECT_EQ(ResolvePath("a~", "/base"), "/base/a~");
  unsetenv("HOME");
  EXPECT_EQ(ResolvePath("~/data", "/base"), "/base/~/data");
  if (!home.empty()) setenv("HOME", home.c_str(), 1);
}

TEST(EscapePattern, LetsEachCharacterStandForItself) {
  EXPECT_EQ(EscapePattern("/a/b.parquet"), "/a/b.parquet");
  EXPECT_EQ(EscapePattern("/a[1]/b?*.parquet"), "/a[[]1]/b[?][*].parquet");
  EXPECT_EQ(EscapePattern(R"(/a\b)"), R"(/a\b)");
  EXPECT_NE(
      ErrorOf(ErrorKind::kUnsupported, [] { EscapePattern(R"(/a\b/c[1])"); }).find("backslash"),
      std::string::npos);
}

}  // namespace
}  // namespace smallpond
