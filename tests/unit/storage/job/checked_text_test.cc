#include "storage/job/checked_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/content_hash.h"
#include "error_of.h"

namespace smallpond {
namespace {

const std::string kPath = "/jobs/job-1/stage-3/outputs-2.json";

std::string IoErrorOf(const std::string& file, const std::string& path) {
  return ErrorOf(ErrorKind::kIo, [&] { CheckedList(file, path); });
}

TEST(CheckedText, IsJsonWithTheListInIt) {
  std::string file = WithChecksum("[1, 2]", kPath);
  EXPECT_EQ(nlohmann::json::parse(file).at("content"), nlohmann::json({1, 2}));
  EXPECT_EQ(CheckedList(file, kPath), "[1, 2]");
  EXPECT_EQ(CheckedList(file, "/moved/job-1/stage-3/outputs-2.json"), "[1, 2]");
}

TEST(CheckedText, NoticesEveryChangedByteAndEveryLength) {
  std::string file = WithChecksum("[1, 2]", kPath);
  for (size_t i = 0; i < file.size(); ++i) {
    std::string changed = file;
    changed[i] ^= 1;
    EXPECT_CONTAINS(IoErrorOf(changed, kPath), "'" + kPath + "'");
    IoErrorOf(file.substr(0, i), kPath);
  }
  IoErrorOf(file + "\n", kPath);
}

TEST(CheckedText, NoticesAnotherList) {
  std::string file = WithChecksum("[1, 2]", kPath);
  EXPECT_CONTAINS(IoErrorOf(file, "/jobs/job-1/stage-4/outputs-2.json"), "run the query again");
  IoErrorOf(file, "/jobs/job-1/stage-3/outputs-1.json");
  IoErrorOf(file, "/jobs/job-2/stage-3/outputs-2.json");
}

TEST(CheckedText, NoticesAChangedFragment) {
  std::string path = "/jobs/job-1/fragments/" + ContentHash("plan");
  EXPECT_EQ(CheckedFragment("plan", path), "plan");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { CheckedFragment("clan", path); }), path);
}

}  // namespace
}  // namespace smallpond
