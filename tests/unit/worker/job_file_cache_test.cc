#include "worker/job_file_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "error_of.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

class CachedJobFiles : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    folder_.Write(name, text);
    return folder_.Path(name);
  }

  auto Get(const std::string& path) { return sizes_.Get(path, path); }

  ScratchFolder folder_;
  int num_parsed_ = 0;
  JobFileCache<size_t> sizes_{2, [this](const std::string& text, const std::string& path) {
                                ++num_parsed_;
                                if (text == "bad") throw Error(ErrorKind::kInternal, path);
                                return text.size();
                              }};
};

TEST_F(CachedJobFiles, AreReadAndParsedOnce) {
  std::string path = Write("a", "four");
  EXPECT_EQ(*Get(path), 4U);
  Write("a", "other text");  // No job does that; it shows that the file is not read again.
  EXPECT_EQ(*Get(path), 4U);
  EXPECT_EQ(num_parsed_, 1);
}

TEST_F(CachedJobFiles, AreForgottenWhereTheyAreTooMany) {
  std::vector<std::string> paths{Write("a", "1"), Write("b", "12"), Write("c", "123")};
  auto first = Get(paths[0]);
  for (const auto& path : paths) Get(path);
  EXPECT_EQ(num_parsed_, 3);
  EXPECT_EQ(*Get(paths[0]), 1U);
  EXPECT_EQ(num_parsed_, 4);
  EXPECT_EQ(*first, 1U) << "what a task has stays";
}

TEST_F(CachedJobFiles, ThatFailAreTriedAgain) {
  std::string path = folder_.Path("late");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { Get(path); }), path);
  Write("late", "bad");
  EXPECT_EQ(ErrorOf(ErrorKind::kInternal, [&] { Get(path); }), path);
  Write("late", "good");
  EXPECT_EQ(*Get(path), 4U);
}

}  // namespace
}  // namespace smallpond
