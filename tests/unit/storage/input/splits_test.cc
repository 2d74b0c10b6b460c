#include "storage/input/splits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace smallpond {
namespace {

using Sizes = std::vector<std::optional<uint64_t>>;
using FileRowGroups = std::vector<std::vector<RowGroup>>;

// "0+1+2[0,50)": the parts of a split, for people.
std::string Text(const Split& split) {
  std::string text;
  for (const auto& part : split.parts) {
    text += (text.empty() ? "" : "+") + std::to_string(part.file);
    if (!part.is_whole)
      text += "[" + std::to_string(part.row_begin) + "," + std::to_string(part.row_end) + ")";
  }
  return text;
}

std::vector<std::string> Texts(const std::vector<Split>& splits) {
  std::vector<std::string> texts;
  for (const auto& split : splits) texts.push_back(Text(split));
  return texts;
}

// Cuts files whose row groups are `groups`; `asked` gets the files whose footers were read.
std::vector<std::string> Cut(const Sizes& sizes, const SplitTarget& target,
                             const FileRowGroups& groups = {},
                             std::vector<size_t>* asked = nullptr) {
  return Texts(CutFiles(sizes, target, [&](const std::vector<size_t>& files) {
    if (asked) *asked = files;
    FileRowGroups read;
    for (size_t file : files)
      read.push_back(groups.empty() ? std::vector<RowGroup>() : groups[file]);
    return read;
  }));
}

using Found = std::vector<std::string>;

TEST(CutFiles, PacksSmallFilesInTheirOrder) {
  EXPECT_EQ(Cut({40, 40, 40, 100, 10, 90, 5}, {100}), (Found{"0+1", "2", "3", "4+5", "6"}));
  EXPECT_EQ(Cut({0, 0, 0}, {100}), (Found{"0+1+2"}));
  EXPECT_EQ(Cut({7}, {100}), (Found{"0"}));
}

TEST(CutFiles, LimitsTheFilesOfASplit) {
  Sizes sizes(2 * kMaxFilesPerSplit + 2, 1);
  auto splits = CutFiles(sizes, {100 * kMaxFilesPerSplit}, {});
  ASSERT_EQ(splits.size(), 3u);
  EXPECT_EQ(splits[0].parts.size(), kMaxFilesPerSplit);
  EXPECT_EQ(splits[0].bytes, kMaxFilesPerSplit);
  EXPECT_EQ(splits[2].parts.size(), 2u);
}

TEST(CutFiles, CutsLargeFilesAtRowGroups) {
  std::vector<RowGroup> ten(10, {5, 30});
  EXPECT_EQ(Cut({300}, {100}, {ten}), (Found{"0[0,15)", "0[15,30)", "0[30,45)", "0[45,50)"}));
  EXPECT_EQ(Cut({20, 300, 20}, {100}, {{}, ten, {}}),
            (Found{"0+1[0,10)", "1[10,25)", "1[25,40)", "1[40,50)+2"}));
  // A row group is never cut.
  EXPECT_EQ(Cut({300}, {100}, {{{5, 200}, {5, 100}}}), (Found{"0[0,5)", "0[5,10)"}));
  EXPECT_EQ(Cut({300}, {100}, {{{5, 300}}}), (Found{"0"}));
}

TEST(CutFiles, ReadsTheFootersOfLargeFilesOnly) {
  std::vector<size_t> asked{99};
  Cut({10, 100, 100}, {100}, {}, &asked);
  EXPECT_EQ(asked, (std::vector<size_t>{99})) << "not called at all";
  EXPECT_EQ(Cut({10, 101, 100, 500}, {100}, {}, &asked), (Found{"0", "1", "2", "3"}));
  EXPECT_EQ(asked, (std::vector<size_t>{1, 3}));
}

TEST(CutFiles, PassesOverRowGroupsWithoutRows) {
  EXPECT_EQ(Cut({300}, {100}, {{{0, 0}, {5, 100}, {0, 0}, {5, 100}, {0, 0}}}),
            (Found{"0[0,5)", "0[5,10)"}));
  EXPECT_EQ(Cut({300}, {100}, {{{0, 0}, {0, 0}}}), (Found{"0"})) << "no rows, but columns";
  // Sizes may be missing: rows tell then.
  EXPECT_EQ(Cut({300}, {100}, {{{10, 0}, {20, 0}}}), (Found{"0[0,10)", "0[10,30)"}));
}

TEST(CutFiles, MakesSmallerSplitsForMoreWorkers) {
  std::vector<RowGroup> eight(8, {10, 1'000'000});
  EXPECT_EQ(Cut({8'000'000}, {100'000'000, 4}, {eight}),
            (Found{"0[0,20)", "0[20,40)", "0[40,60)", "0[60,80)"}));
  EXPECT_EQ(Cut({8'000'000}, {100'000'000, 3}, {eight}).size(), 3u);
  EXPECT_EQ(Cut({8'000'000}, {2'000'000, 3}, {eight}).size(), 6u) << "two whole rounds";
  EXPECT_EQ(Cut({8'000'000}, {1'000'000, 3}, {eight}).size(), 8u) << "no empty ones";
  EXPECT_EQ(Cut({80'000}, {100'000'000, 4}, {eight}), (Found{"0"})) << "not worth a task";
  EXPECT_EQ(Cut({2'000'000, 2'000'000}, {256'000'000, 4}, {eight, eight}).size(), 4u);
  std::vector<RowGroup> hundred(100, {10, 1'000'000});
  EXPECT_EQ(Cut({100'000'000}, {2'000'000, 5}, {hundred}).size(), 50u) << "many rounds";
  EXPECT_EQ(Cut({100'000'000}, {3'000'000, 7}, {hundred}).size(), 35u) << "of three row groups";
  // One file of three is large: the others are enough for one split each.
  EXPECT_EQ(Cut({1'000'000, 9'000'000, 1'000'000}, {100'000'000, 3}), (Found{"0", "1", "2"}));
}

TEST(CutFiles, MakesAsManyAsWereAskedFor) {
  std::vector<RowGroup> eight(8, {10, 10});
  SplitTarget target{1};
  for (int count = 1; count <= 8; ++count) {
    target.exactly = count;
    EXPECT_EQ(Cut({80}, target, {eight}).size(), static_cast<size_t>(count));
  }
  EXPECT_EQ(Cut({80}, {.exactly = 5}, {eight}).size(), 5u) << "however small the file is";
  target.exactly = 20;
  EXPECT_EQ(Cut({80}, target, {eight}).size(), 8u) << "as many as there are row groups";
  target.exactly = 3;
  EXPECT_EQ(Cut({10, 10, 10, 10, 10, 10}, target), (Found{"0+1", "2+3", "4+5"}));
  EXPECT_EQ(Cut({1000, 1, 1}, target), (Found{"0", "1", "2"}));
  EXPECT_EQ(Cut({1, 1, 1000}, target), (Found{"0", "1", "2"}));
}

TEST(CutFiles, GivesFilesOfUnknownSizeSplitsOfTheirOwn) {
  EXPECT_EQ(Cut({10, {}, {}, 10}, {100}), (Found{"0", "1", "2", "3"}));
}

TEST(CutFiles, KeepsEachRowOnceAndInOrder) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    auto up_to = [&](uint64_t n) { return random() % (n + 1); };
    Sizes sizes;
    FileRowGroups groups;
    for (uint64_t files = 1 + up_to(20); files > 0; --files) {
      std::vector<RowGroup> of_file;
      uint64_t bytes = 12;
      for (uint64_t n = up_to(12); n > 0; --n) {
        uint64_t rows = up_to(3) * 10;
        of_file.push_back({static_cast<int64_t>(rows), rows * (1 + up_to(9))});
        bytes += of_file.back().bytes;
      }
      sizes.push_back(up_to(9) == 0 ? std::nullopt : std::optional<uint64_t>(bytes));
      groups.push_back(up_to(9) == 0 ? std::vector<RowGroup>() : of_file);
    }
    SplitTarget target{1 + up_to(2000)};
    if (up_to(1)) target.exactly = 1 + static_cast<int>(up_to(30));
    auto splits = CutFiles(sizes, target, [&](const std::vector<size_t>& files) {
      FileRowGroups read;
      for (size_t file : files) read.push_back(groups[file]);
      return read;
    });
    if (target.exactly) {
      EXPECT_LE(splits.size(), static_cast<size_t>(*target.exactly));
    }
    // Walks through the parts as through the files: `file`, and in it the next `row`.
    size_t file = 0;
    int64_t row = 0;
    auto rows_of = [&](size_t i) {
      return std::accumulate(groups[i].begin(), groups[i].end(), int64_t{0},
                             [](int64_t sum, const RowGroup& group) { return sum + group.rows; });
    };
    for (const auto& split : splits) {
      ASSERT_FALSE(split.parts.empty());
      if (!target.exactly && split.parts.size() > 1) {
        EXPECT_LE(split.bytes, target.bytes) << Text(split);
      }
      for (const auto& part : split.parts) {
        ASSERT_EQ(part.file, file) << Text(split);
        if (part.is_whole) {
          ASSERT_EQ(row, 0);
          ++file;
          continue;
        }
        ASSERT_EQ(part.row_begin, row) << Text(split);
        ASSERT_LT(part.row_begin, part.row_end);
        row = part.row_end == rows_of(file) ? 0 : part.row_end;
        if (row == 0) ++file;
      }
    }
    EXPECT_EQ(file, sizes.size());
    EXPECT_EQ(row, 0);
  }
}

}  // namespace
}  // namespace smallpond
