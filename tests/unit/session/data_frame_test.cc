#include "smallpond/data_frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "error_of.h"
#include "rows_of.h"
#include "scratch_folder.h"
#include "small_session.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

class DataFrameTest : public ::testing::Test {
 protected:
  Rows Read(const DataFrame& frame) { return RowsOf(session_, frame); }
  DataFrame Sql(const std::string& query, const SqlInputs& inputs = {}) {
    return session_.Sql(query, inputs);
  }
  DataFrame Numbers(int n) {
    return Sql("SELECT i, i % 5 AS k FROM range(?) t(i)", {.params = {n}});
  }

  // The data files of an output folder, in order.
  Rows Files(const std::string& name) const {
    Rows files;
    for (const auto& file : folder_.List(name)) {
      if (!file.starts_with('_')) files.push_back(file);
    }
    return files;
  }

  ScratchFolder folder_;
  Session session_ = Session::Init(SmallOptions());
};

TEST_F(DataFrameTest, CountsWithoutReadingMore) {
  EXPECT_EQ(Numbers(1000).Count(), 1000);
  EXPECT_EQ(Sql("SELECT 1 AS x WHERE false").Count(), 0);
  EXPECT_EQ(Sql("SELECT ('x' || i)::INT AS bad FROM range(7) t(i)").Count(), 7);
  EXPECT_EQ(Numbers(100).Repartition(4, {.hash_by = {"k"}}).Count(), 100);
}

TEST_F(DataFrameTest, ShowsABox) {
  std::string text = Sql("SELECT i AS n, 'text ' || i AS t FROM range(3) t(i)").ToText(20, 80);
  EXPECT_CONTAINS(text, "│   n   │    t    │");
  EXPECT_CONTAINS(text, "│ int64 │ varchar │");
  EXPECT_CONTAINS(text, "│     2 │ text 2  │");
}

TEST_F(DataFrameTest, ShowsTheEndsOfManyRowsAndTheirNumber) {
  std::string text = Sql("SELECT i + 1000 AS n FROM range(100) t(i)").ToText(6, 80);
  for (const char* row : {"1000", "1002", "1097", "1099", "100 rows", "(6 shown)"})
    EXPECT_CONTAINS(text, row);
  EXPECT_LACKS(text, "1050");
}

TEST_F(DataFrameTest, ClaimsNoNumberOfRowsThatItDidNotCount) {
  std::string text = Numbers(100'000).ToText(4, 80);
  EXPECT_LACKS(text, "10000 rows");
  EXPECT_LACKS(text, "10,000 rows");
}

TEST_F(DataFrameTest, FitsTheWidthThatWasAsked) {
  DataFrame wide = Sql("SELECT repeat('w', 300) AS a, repeat('v', 300) AS b, i FROM range(2) t(i)");
  for (int width : {80, 100, 200}) {
    std::string text = wide.ToText(10, width);
    for (size_t begin = 0; begin < text.size();) {
      size_t end = std::min(text.find('\n', begin), text.size());
      std::string line = text.substr(begin, end - begin);
      auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
      EXPECT_LE(std::count_if(line.begin(), line.end(), is_first_byte), width) << line;
      begin = end + 1;
    }
  }
}

TEST_F(DataFrameTest, EscapesHtml) {
  std::string html =
      Sql("SELECT '<script>alert(\"x\")</script> & more' AS \"<b>\", NULL::INT AS n").ToHtml();
  EXPECT_CONTAINS(html, "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more");
  EXPECT_CONTAINS(html, "&lt;b&gt;");
  EXPECT_LACKS(html, "<script>");
  EXPECT_LACKS(html, "<b>");
  EXPECT_CONTAINS(html, "NULL");
}

TEST_F(DataFrameTest, DescribesItself) {
  EXPECT_EQ(Numbers(3).ToString(), "DataFrame[i BIGINT, k BIGINT]");
  EXPECT_EQ(Numbers(3).Repartition(4).ToString(), "DataFrame[i BIGINT, k BIGINT] in 4 partitions");
  EXPECT_EQ(Numbers(3).num_partitions(), 1);
  EXPECT_EQ(Numbers(3).Repartition(4).num_partitions(), 4);
}

TEST_F(DataFrameTest, ExplainsWhatItWillDo) {
  DataFrame spread = Numbers(100).Repartition(4, {.hash_by = {"k"}});
  DataFrame kept =
      session_.PartialSql("SELECT k, count(*) AS n FROM {0} GROUP BY k", {.positional = {spread}});
  DataFrame merged = session_.PartialSql("SELECT count(*) AS n FROM {0}", {.positional = {spread}});
  DataFrame concatenated = session_.PartialSql("SELECT count(*) AS n FROM {0}",
                                               {.positional = {spread}}, MergeMode::kConcat);
  EXPECT_CONTAINS(kept.Explain(), "each of 4 partitions gives its own rows");
  EXPECT_CONTAINS(kept.Explain(), "repartition(4, hash_by=k)");
  EXPECT_CONTAINS(kept.Explain(), "elided");
  EXPECT_CONTAINS(merged.Explain(),
                  "merged: an aggregate without GROUP BY sees rows of several partitions");
  EXPECT_CONTAINS(merged.Explain(), "UNGROUPED_AGGREGATE");
  EXPECT_CONTAINS(concatenated.Explain(),
                  "run on each of 4 partitions; the results one after the other");
  EXPECT_CONTAINS(concatenated.Explain(), "carried out");
  EXPECT_CONTAINS(kept.Explain(),
                  "direct: one DuckDB in this process, 2 threads, 512 MB of memory");
}

TEST_F(DataFrameTest, NoticesWhereItMerged) {
  DataFrame spread = Numbers(100).Repartition(4, {.hash_by = {"k"}});
  SqlInputs inputs{.positional = {spread}};
  EXPECT_EQ(session_.PartialSql("SELECT k, count(*) AS n FROM {0} GROUP BY k", inputs).notice(),
            "");
  EXPECT_EQ(session_.Sql("SELECT count(*) FROM {0}", inputs).notice(), "");
  EXPECT_EQ(session_.PartialSql("SELECT count(*) FROM {0}", inputs, MergeMode::kConcat).notice(),
            "");
  EXPECT_EQ(session_.PartialSql("SELECT count(*) FROM {0}", {.positional = {Numbers(3)}}).notice(),
            "");
  EXPECT_CONTAINS(session_.PartialSql("SELECT count(*) FROM {0}", inputs).notice(),
                  "partial_sql merged the partitions: an aggregate without GROUP BY sees rows of "
                  "several partitions");
}

TEST_F(DataFrameTest, GivesTheGlobalAnswerOrEachPartitionsOwn) {
  DataFrame spread = Numbers(100).Repartition(4, {.by_rows = true});
  SqlInputs inputs{.positional = {spread}};
  const std::string top = "SELECT max(i) AS i FROM {0}";
  EXPECT_EQ(Read(session_.PartialSql(top, inputs)), Rows({"(99)"}));
  EXPECT_EQ(Read(session_.PartialSql(top, inputs, MergeMode::kConcat)),
            Rows({"(24)", "(49)", "(74)", "(99)"}));
  Options options = SmallOptions();
  options.merge = MergeMode::kConcat;
  Session concat = Session::Init(options);
  DataFrame other = concat.Sql("SELECT i FROM range(100) t(i)").Repartition(4, {.by_rows = true});
  EXPECT_EQ(RowsOf(concat, concat.PartialSql(top, {.positional = {other}})),
            Rows({"(24)", "(49)", "(74)", "(99)"}));
  DataFrame three = Numbers(9).Repartition(3);
  EXPECT_CONTAINS(InvalidInputOf([&] {
                    session_.PartialSql("FROM {0} UNION ALL FROM {1}",
                                        {.positional = {spread, three}}, MergeMode::kConcat);
                  }),
                  "has 4 partitions and {1} has 3");
}

TEST_F(DataFrameTest, ComputesAFrameOnceThatAQueryReadsTwice) {
  DataFrame random = Sql("SELECT i, random() AS r FROM range(1000) t(i)");
  EXPECT_EQ(Sql("SELECT 1 AS x FROM {0} a JOIN {0} b USING (i) WHERE a.r <> b.r",
                {.positional = {random}})
                .Count(),
            0);
}

TEST_F(DataFrameTest, AgreesWithARowThatItHandedOut) {
  DataFrame random = Sql("SELECT uuid()::VARCHAR AS u FROM range(100)");
  HeldStream stream;
  random.Collect(stream.get());
  Rows rows = TextsOf(stream);
  for (auto& row : rows) row = "(" + row + ")";
  EXPECT_EQ(Read(random), rows);
  EXPECT_EQ(Read(random), rows);
}

TEST_F(DataFrameTest, WritesOneFileAPartition) {
  DataFrame spread = Numbers(100).Repartition(4, {.by_rows = true});
  auto result = spread.WriteParquet(folder_.Path("out"));
  EXPECT_EQ(result.num_files, 4);
  Rows files = Files("out");
  ASSERT_EQ(files.size(), 4u);
  uint64_t bytes = 0;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(files[i].starts_with("part-0000" + std::to_string(i) + "-")) << files[i];
    bytes += fs::file_size(folder_.Path("out/" + files[i]));
    DataFrame part = session_.ReadParquet({folder_.Path("out/" + files[i])});
    EXPECT_EQ(Read(Sql("SELECT min(i) AS low, max(i) AS high FROM {0}", {.positional = {part}})),
              Rows({"(" + std::to_string(25 * i) + ", " + std::to_string(25 * i + 24) + ")"}));
  }
  EXPECT_EQ(result.num_bytes, bytes);
  EXPECT_EQ(Read(session_.ReadParquet({folder_.Path("out")})), Read(Numbers(100)));
}

TEST_F(DataFrameTest, WritesNothingAsAFileWithColumns) {
  Sql("SELECT 1 AS a, 'x' AS b WHERE false").WriteParquet(folder_.Path("out"));
  DataFrame read = session_.ReadParquet({folder_.Path("out")});
  EXPECT_EQ(read.ToString(), "DataFrame[a INTEGER, b VARCHAR]");
  EXPECT_EQ(read.Count(), 0);
}

TEST_F(DataFrameTest, WritesOntoItsOwnInput) {
  Numbers(10).WriteParquet(folder_.Path("data"));
  DataFrame data = session_.ReadParquet({folder_.Path("data")});
  Sql("SELECT i + 100 AS i, k FROM {0} WHERE i < 3", {.positional = {data}})
      .WriteParquet(folder_.Path("data"));
  EXPECT_EQ(Read(session_.ReadParquet({folder_.Path("data")})),
            Rows({"(100, 0)", "(101, 1)", "(102, 2)"}));
}

TEST_F(DataFrameTest, LeavesWhatIsThereWhereAWriteFails) {
  DataFrame failing =
      Sql("SELECT CASE WHEN i = 99999 THEN error('late') ELSE i END AS i FROM range(100000) t(i)");
  EXPECT_CONTAINS(InvalidInputOf([&] { failing.WriteParquet(folder_.Path("new")); }), "late");
  EXPECT_FALSE(fs::exists(folder_.Path("new")));
  Numbers(3).WriteParquet(folder_.Path("out"));
  Rows before = Files("out");
  InvalidInputOf([&] { failing.WriteParquet(folder_.Path("out")); });
  InvalidInputOf([&] { failing.Repartition(3).WriteParquet(folder_.Path("out")); });
  EXPECT_EQ(Files("out"), before);
  EXPECT_EQ(session_.ReadParquet({folder_.Path("out")}).Count(), 3);
  folder_.Write("x.csv", "mine");
  InvalidInputOf([&] { failing.WriteFile(folder_.Path("x.csv"), "csv"); });
  EXPECT_EQ(folder_.Read("x.csv"), "mine");
  EXPECT_EQ(folder_.List(), Rows({"out", "x.csv"})) << "nothing is left beside";
}

TEST_F(DataFrameTest, KeepsEveryDigitOfWideIntegers) {
  DataFrame sums =
      Sql("SELECT sum(x) AS s, [sum(x)] AS l, {'a': sum(x)} AS f, sum(x) AS s2 "
          "FROM (VALUES (9007199254740993), (9007199254740993)) t(x)");
  sums.WriteParquet(folder_.Path("out"));
  EXPECT_EQ(
      Read(session_.ReadParquet({folder_.Path("out")})),
      Rows(
          {"(18014398509481986, [18014398509481986], {a: 18014398509481986}, 18014398509481986)"}));
  DataFrame twins = Sql("SELECT sum(x) AS s, sum(y) AS s FROM (VALUES (1, 2)) t(x, y)");
  twins.WriteParquet(folder_.Path("twins"));
  EXPECT_EQ(Read(session_.ReadParquet({folder_.Path("twins")})), Rows({"(1, 2)"}));
}

TEST_F(DataFrameTest, WritesSingleFilesOfEachFormat) {
  DataFrame frame = Sql("SELECT i AS n, 'a,' || i AS t FROM range(2) t(i)");
  frame.WriteFile(folder_.Path("x.csv"), "csv");
  frame.WriteFile(folder_.Path("x.json"), "json");
  frame.WriteFile(folder_.Path("x.parquet"), "parquet");
  EXPECT_EQ(folder_.Read("x.csv"), "n,t\n0,\"a,0\"\n1,\"a,1\"\n");
  EXPECT_EQ(folder_.Read("x.json"), "{\"n\":0,\"t\":\"a,0\"}\n{\"n\":1,\"t\":\"a,1\"}\n");
  EXPECT_EQ(Read(session_.ReadParquet({folder_.Path("x.parquet")})), Read(frame));
  EXPECT_EQ(InvalidInputOf([&] { frame.WriteFile(folder_.Path("x.xml"), "xml"); }).substr(0, 50),
            std::string("The format must be 'csv', 'json' or 'parquet', not 'xml'.").substr(0, 50));
  EXPECT_CONTAINS(InvalidInputOf([&] { frame.WriteFile("/dev/stdout", "parquet"); }),
                  "Give a file");
  EXPECT_CONTAINS(
      ErrorOf(ErrorKind::kIo, [&] { frame.WriteFile(folder_.Path("x.csv/y.csv"), "csv"); }),
      "x.csv");
  fs::create_directory(folder_.Path("folder"));
  InvalidInputOf([&] { frame.WriteFile(folder_.Path("folder"), "csv"); });
  ErrorOf(ErrorKind::kUnsupported, [&] { frame.WriteFile("s3://bucket/x.csv", "csv"); });
  ErrorOf(ErrorKind::kUnsupported, [&] { frame.WriteParquet("s3://bucket/x"); });
}

TEST_F(DataFrameTest, WritesCsvAndJsonFolders) {
  DataFrame spread = Numbers(10).Repartition(2, {.by_rows = true});
  EXPECT_EQ(spread.WriteCsv(folder_.Path("csv"), {.compression = "gzip"}).num_files, 2);
  EXPECT_EQ(spread.WriteJson(folder_.Path("json")).num_files, 2);
  EXPECT_EQ(Read(session_.ReadCsv({folder_.Path("csv")})), Read(Numbers(10)));
  EXPECT_EQ(Read(session_.ReadJson({folder_.Path("json")})), Read(Numbers(10)));
  EXPECT_TRUE(Files("csv")[0].ends_with(".csv.gz")) << Files("csv")[0];
}

TEST_F(DataFrameTest, WritesInTheModesOfAFolder) {
  auto write = [&](int n, WriteMode mode) {
    WriteOptions options;
    options.mode = mode;
    return Numbers(n).WriteParquet(folder_.Path("out"), options);
  };
  auto rows = [&] { return session_.ReadParquet({folder_.Path("out")}).Count(); };
  write(3, WriteMode::kError);
  write(4, WriteMode::kAppend);
  EXPECT_EQ(rows(), 7);
  EXPECT_EQ(write(5, WriteMode::kIgnore).num_files, 0);
  InvalidInputOf([&] { write(5, WriteMode::kError); });
  EXPECT_EQ(rows(), 7);
  write(2, WriteMode::kOverwrite);
  EXPECT_EQ(rows(), 2);
  EXPECT_EQ(ParseWriteMode("append"), WriteMode::kAppend);
  EXPECT_CONTAINS(InvalidInputOf([] { ParseWriteMode("Append"); }), "Append");
}

TEST_F(DataFrameTest, ReadsFilesAnewForEachAction) {
  Numbers(3).WriteParquet(folder_.Path("out"));
  DataFrame read = session_.ReadParquet({folder_.Path("out")});
  EXPECT_EQ(read.Count(), 3);
  Numbers(5).WriteParquet(folder_.Path("out"));
  EXPECT_EQ(read.Count(), 5);
  Sql("SELECT 'other' AS x").WriteParquet(folder_.Path("out"));
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { read.Count(); }),
                  "have other columns than when the frame was made");
}

}  // namespace
}  // namespace smallpond
