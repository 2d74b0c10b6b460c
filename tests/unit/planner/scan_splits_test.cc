#include "planner/scan_splits.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/database.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "error_of.h"
#include "scratch_folder.h"
#include "storage/files/paths.h"

namespace smallpond {
namespace {

class ScanSplits : public ::testing::Test {
 protected:
  void Run(const std::string& sql) { connection_.Run(Statement::Parse(sql)); }

  // Writes a Parquet file of the query's rows.
  std::string Write(const std::string& name, const std::string& query, int rows_of_group = 2048) {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    Run("COPY (" + query + ") TO " + QuoteText(Path(name)) + " (FORMAT parquet, ROW_GROUP_SIZE " +
        std::to_string(rows_of_group) + ")");
    return Path(name);
  }

  std::string Path(const std::string& name) { return folder_.path() + "/" + name; }

  std::vector<Split> Splits(const FileScan& scan, const SplitTarget& target) {
    resolved_ = std::make_unique<ResolvedScan>(ResolveScan(connection_, scan));
    return PlanSplits(connection_, scan, *resolved_, target);
  }

  // Fills the table `name` with i, and the order in which the rows of the splits come.
  void Execute(const std::string& name, const std::vector<Split>& splits) {
    Run("CREATE OR REPLACE TABLE " + name + "(place BIGINT, i BIGINT)");
    int64_t place = 0;
    for (const auto& split : splits) {
      for (const auto& part : split.parts) {
        std::string pattern = QuoteText(EscapePattern(resolved_->paths[part.file]));
        std::string condition = "true";
        if (!part.is_whole)
          condition = "file_row_number >= " + std::to_string(part.row_begin) +
                      " AND file_row_number < " + std::to_string(part.row_end);
        Run("INSERT INTO " + name + " SELECT " + std::to_string(place) +
            " + row_number() OVER (), i FROM read_parquet(" + pattern + ") WHERE " + condition);
        place += 10'000'000;
      }
    }
  }

  // Whether the splits, one after the other, are the scan's rows in their order.
  void ExpectSameRows(const std::vector<Split>& splits) {
    Execute("found", splits);
    Run("CREATE OR REPLACE TABLE expected(place BIGINT, i BIGINT)");
    int64_t place = 0;
    for (const auto& path : resolved_->paths) {
      Run("INSERT INTO expected SELECT " + std::to_string(place) +
          " + row_number() OVER (), i FROM read_parquet(" + QuoteText(EscapePattern(path)) + ")");
      place += 10'000'000;
    }
    auto differ = [&](const std::string& sql) {
      return connection_.QueryInt64(Statement::Parse(sql));
    };
    EXPECT_EQ(differ("SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY place) n, i FROM "
                     "found) f FULL JOIN (SELECT row_number() OVER (ORDER BY place) n, i FROM "
                     "expected) e USING (n) WHERE f.i IS DISTINCT FROM e.i"),
              0);
    EXPECT_EQ(differ("SELECT count(*) FROM found"), differ("SELECT count(*) FROM expected"));
  }

  FileScan Scan(std::vector<std::string> paths) {
    return {"read_parquet", std::move(paths), {".parquet"}, true, {}, {}};
  }

  ScratchFolder folder_;
  Database database_{{512'000'000, 2, folder_.path() + "/spill"}};
  Connection connection_{database_};
  std::unique_ptr<ResolvedScan> resolved_;
};

std::string Rows(int from, int to) {
  return "SELECT i, hash(i) AS noise FROM range(" + std::to_string(from) + ", " +
         std::to_string(to) + ") t(i)";
}

TEST_F(ScanSplits, CutsALargeFileAtItsRowGroups) {
  Write("x.parquet", Rows(0, 100'000));
  auto splits = Splits(Scan({Path("x.parquet")}), {200'000});
  EXPECT_GT(splits.size(), 4u);
  for (const auto& split : splits) {
    EXPECT_EQ(split.parts[0].row_begin % 2048, 0);
    EXPECT_LE(split.bytes, 200'000u);
  }
  ExpectSameRows(splits);
  EXPECT_EQ(Splits(Scan({Path("x.parquet")}), {1, 1, 7}).size(), 7u);
}

TEST_F(ScanSplits, ReadsTheNamesOfFilesAsTheyAre) {
  Write("a[1] *?'{b}.parquet", Rows(0, 20'000));
  Write("a1 x.parquet", Rows(0, 10));
  auto splits = Splits(Scan({Path("a[1] *?'{b}.parquet")}), {50'000});
  EXPECT_GT(splits.size(), 1u);
  ExpectSameRows(splits);
}

TEST_F(ScanSplits, LeavesFilesWholeWhereRowNumbersAreHidden) {
  std::string rows = "SELECT i, i % 7 AS ";
  std::string range = " FROM range(20000) t(i)";
  Write("column.parquet", rows + "file_row_number" + range);
  Write("letters.parquet", rows + "\"File_Row_NUMBER\"" + range);
  Write("struct.parquet", "SELECT i, {'file_row_number': i % 7} AS s" + range);
  Write("File_row_number=3/key.parquet", rows + "j" + range);
  for (const char* name :
       {"column.parquet", "letters.parquet", "struct.parquet", "File_row_number=3/key.parquet"}) {
    auto splits = Splits(Scan({Path(name)}), {1'000});
    EXPECT_EQ(splits.size(), 1u) << name;
    EXPECT_TRUE(splits[0].parts[0].is_whole) << name;
    ExpectSameRows(splits);
  }
  Write("plain.parquet", Rows(0, 20'000));
  FileScan scan = Scan({Path("plain.parquet")});
  scan.options = {{"filename", "FILE_ROW_NUMBER"}};
  EXPECT_EQ(Splits(scan, {1'000}).size(), 1u);
  scan.options = {{"file_row_number", true}};
  EXPECT_EQ(Splits(scan, {1'000}).size(), 10u) << "the number itself is as good as a hidden one";
  // A file of a name is judged by itself: of these two, one is cut.
  auto splits = Splits(Scan({Path("plain.parquet"), Path("column.parquet")}), {1'000});
  EXPECT_EQ(splits.size(), 11u);
  ExpectSameRows(splits);
}

TEST_F(ScanSplits, GivesTheRowsOfAnyLayout) {
  for (unsigned seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<std::string> paths;
    int row = 0;
    for (unsigned files = 1 + random() % 8; files > 0; --files) {
      std::string name = std::to_string(seed) + "/" + std::to_string(random()) + ".parquet";
      int kind = static_cast<int>(random() % 5);  // Empty, tiny, or of several row groups.
      int rows = kind == 0 ? 0 : kind < 3 ? static_cast<int>(random() % 50) : 30'000;
      std::string extra = random() % 5 == 0 ? ", i % 3 AS file_row_number" : "";
      paths.push_back(Write(name,
                            "SELECT i, hash(i) AS noise" + extra + " FROM range(" +
                                std::to_string(row) + ", " + std::to_string(row + rows) + ") t(i)",
                            2048 * (1 + static_cast<int>(random() % 3))));
      row += rows;
    }
    SplitTarget target{1'000 + random() % 300'000};
    if (random() % 2) target.exactly = 1 + static_cast<int>(random() % 9);
    auto splits = Splits(Scan(paths), target);
    if (target.exactly) {
      EXPECT_LE(splits.size(), static_cast<size_t>(*target.exactly));
    }
    ExpectSameRows(splits);
  }
}

TEST_F(ScanSplits, GivesTextFilesOneEach) {
  folder_.Write("a.csv", "i\n1\n2\n");
  folder_.Write("b.csv", "i\n3\n");
  FileScan scan{"read_csv", {folder_.path()}, {".csv"}, false, {}, {}};
  auto splits = Splits(scan, {1, 1, 7});
  ASSERT_EQ(splits.size(), 2u);
  EXPECT_EQ(splits[0].bytes, 6u);
  EXPECT_EQ(splits[1].parts, (std::vector<FilePart>{{1, true, 0, 0}}));
}

TEST_F(ScanSplits, NamesALargeFileWithoutAFooter) {
  folder_.Write("x.parquet", std::string(5000, 'x'));
  std::string error = ErrorOf(ErrorKind::kIo, [&] { Splits(Scan({Path("x.parquet")}), {1'000}); });
  EXPECT_CONTAINS(error, "x.parquet");
}

TEST_F(ScanSplits, PlansTenThousandFilesInAMoment) {
  for (int i = 0; i < 10'000; ++i) folder_.Write(std::to_string(i) + ".parquet", "no footer");
  auto scan = Scan({folder_.path()});
  auto begin = std::chrono::steady_clock::now();
  auto splits = Splits(scan, {});
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(splits.size(), (10'000 + kMaxFilesPerSplit - 1) / kMaxFilesPerSplit);
  EXPECT_LT(took.count(), 5.0);  // 0.05 s on an idle machine. None of these files has a footer.
  RecordProperty("milliseconds", static_cast<int>(took.count() * 1000));
  std::cout << "planned in " << took.count() << " s\n";
}

}  // namespace
}  // namespace smallpond
