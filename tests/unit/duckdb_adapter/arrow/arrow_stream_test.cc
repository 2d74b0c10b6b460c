// Rows out of smallpond as Arrow streams: whole, half-read, failing, and outliving what made them.

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "error_of.h"
#include "rows_of.h"
#include "scratch_folder.h"
#include "small_session.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

constexpr int64_t kManyRows = 1'000'000;

class ArrowOut : public ::testing::Test {
 protected:
  DataFrame Many() { return session_.Sql("SELECT i FROM range(1000000) t(i)"); }

  // A query whose row `at` fails.
  DataFrame FailingAt(int64_t at) {
    return session_.Sql(
        "SELECT CASE WHEN i = $at THEN error('row ' || i) ELSE i::VARCHAR END AS x FROM "
        "range(1000000) t(i)",
        {.named_params = {{"at", at}}});
  }

  static int64_t RowsIn(HeldStream& stream) {
    int64_t rows = 0;
    for (ArrowArray batch = stream.Next(); batch.release; batch = stream.Next()) {
      EXPECT_GT(batch.length, 0);
      EXPECT_LE(batch.length, kArrowBatchRows);
      rows += batch.length;
      batch.release(&batch);
    }
    return rows;
  }

  // Runs the test with both kinds of stream.
  template <class Test>
  void WithBoth(const DataFrame& frame, Test&& test) {
    for (bool collected : {false, true}) {
      SCOPED_TRACE(collected ? "collected" : "streamed");
      HeldStream stream;
      collected ? frame.Collect(stream.get()) : frame.ToArrowStream(stream.get());
      test(stream);
    }
  }

  Session session_ = Session::Init(SmallOptions());
};

TEST_F(ArrowOut, GivesEveryRowOnceInBatchesOfBoundedSize) {
  WithBoth(Many(), [](HeldStream& stream) {
    std::vector<bool> seen(kManyRows);
    int64_t rows = 0;
    for (ArrowArray batch = stream.Next(); batch.release; batch = stream.Next()) {
      EXPECT_LE(batch.length, kArrowBatchRows);
      const ArrowArray& column = *batch.children[0];
      const auto* values = static_cast<const int64_t*>(column.buffers[1]) + column.offset;
      for (int64_t i = 0; i < batch.length; ++i) {
        EXPECT_FALSE(seen[static_cast<size_t>(values[i])]);
        seen[static_cast<size_t>(values[i])] = true;
      }
      rows += batch.length;
      batch.release(&batch);
    }
    EXPECT_EQ(rows, kManyRows);
  });
}

TEST_F(ArrowOut, KeepsTheOrderOfTheRows) {
  WithBoth(session_.Sql("SELECT i::VARCHAR AS x FROM range(300000) t(i)"), [](HeldStream& stream) {
    Rows texts = TextsOf(stream);
    ASSERT_EQ(texts.size(), 300'000u);
    for (size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(texts[i], std::to_string(i));
  });
}

TEST_F(ArrowOut, TellsNamesAndTypesBeforeAndAfterTheRows) {
  DataFrame frame = session_.Sql(
      "SELECT 1::BIGINT AS n, 'x' AS \"t é\", [1.5] AS l, {'a': true} AS s FROM range(3)");
  WithBoth(frame, [](HeldStream& stream) {
    for (int i = 0; i < 2; ++i) {
      ArrowSchema schema;
      ASSERT_EQ(stream.get()->get_schema(stream.get(), &schema), 0);
      ASSERT_EQ(schema.n_children, 4);
      EXPECT_STREQ(schema.format, "+s");
      EXPECT_STREQ(schema.children[0]->format, "l");
      EXPECT_STREQ(schema.children[1]->name, "t é");
      EXPECT_STREQ(schema.children[2]->format, "+l");
      EXPECT_STREQ(schema.children[3]->children[0]->name, "a");
      schema.release(&schema);
      EXPECT_EQ(RowsIn(stream), i == 0 ? 3 : 0);
    }
  });
}

TEST_F(ArrowOut, EndsAndStaysAtTheEnd) {
  WithBoth(session_.Sql("SELECT 1 AS x WHERE false"), [](HeldStream& stream) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.Next().release, nullptr);
  });
  WithBoth(session_.Sql("SELECT 1 AS x"), [](HeldStream& stream) {
    EXPECT_EQ(RowsIn(stream), 1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.Next().release, nullptr);
  });
}

TEST_F(ArrowOut, TakesOnlySoManyRowsWhereALimitIsGiven) {
  for (int64_t limit : {0, 1, 5, 200'000}) {
    HeldStream stream;
    Many().Collect(stream.get(), limit);
    EXPECT_EQ(RowsIn(stream), limit);
  }
}

TEST_F(ArrowOut, MayBeDroppedUnreadOrHalfRead) {
  for (int batches : {0, 1, 2}) {
    WithBoth(Many(), [&](HeldStream& stream) {
      for (int i = 0; i < batches; ++i) {
        ArrowArray batch = stream.Next();
        ASSERT_NE(batch.release, nullptr);
        batch.release(&batch);
      }
      stream.Release();
      EXPECT_EQ(stream.get()->release, nullptr);
    });
  }
  EXPECT_EQ(Many().Count(), kManyRows) << "the session goes on";
}

TEST_F(ArrowOut, OutlivesTheFrameAndTheSession) {
  for (bool collected : {false, true}) {
    HeldStream stream;
    {
      Session other = Session::Init(SmallOptions());
      DataFrame frame = other.Sql("SELECT i FROM range(1000000) t(i)");
      collected ? frame.Collect(stream.get()) : frame.ToArrowStream(stream.get());
      other.Close();
    }
    EXPECT_EQ(RowsIn(stream), kManyRows);
  }
}

TEST_F(ArrowOut, GivesBatchesThatOutliveTheStream) {
  for (bool collected : {false, true}) {
    ArrowArray batch{};
    {
      Session other = Session::Init(SmallOptions());
      HeldStream stream;
      DataFrame frame = other.Sql("SELECT 'text number ' || i AS x FROM range(1000000) t(i)");
      collected ? frame.Collect(stream.get()) : frame.ToArrowStream(stream.get());
      batch = stream.Next();
    }
    ASSERT_NE(batch.release, nullptr);
    const ArrowArray& column = *batch.children[0];
    const auto* offsets = static_cast<const int32_t*>(column.buffers[1]) + column.offset;
    EXPECT_EQ(std::string(static_cast<const char*>(column.buffers[2]) + offsets[5],
                          static_cast<size_t>(offsets[6] - offsets[5])),
              "text number 5");
    batch.release(&batch);
  }
}

TEST_F(ArrowOut, TellsAnErrorOfTheFirstRow) {
  DataFrame frame = FailingAt(0);
  HeldStream stream;
  EXPECT_CONTAINS(InvalidInputOf([&] { frame.Collect(stream.get()); }), "row 0");
  EXPECT_EQ(stream.get()->release, nullptr);
  // The first rows are computed where the stream is made.
  EXPECT_CONTAINS(InvalidInputOf([&] { frame.ToArrowStream(stream.get()); }), "row 0");
  EXPECT_EQ(stream.get()->release, nullptr);
}

TEST_F(ArrowOut, TellsAnErrorOfALaterRowAndNeverAnEnd) {
  HeldStream stream;
  FailingAt(900'000).ToArrowStream(stream.get());
  int64_t rows = 0;
  int code = 0;
  for (ArrowArray batch{}; (code = stream.get()->get_next(stream.get(), &batch)) == 0;) {
    ASSERT_NE(batch.release, nullptr) << "a partial answer";
    rows += batch.length;
    batch.release(&batch);
  }
  EXPECT_EQ(code, EIO);
  EXPECT_LE(rows, 900'000);
  EXPECT_CONTAINS(std::string(stream.get()->get_last_error(stream.get())), "row 900000");
  ArrowArray batch{};
  EXPECT_NE(stream.get()->get_next(stream.get(), &batch), 0) << "it stays failed";
}

TEST_F(ArrowOut, TellsThatAFileIsGone) {
  ScratchFolder folder;
  session_.Sql("SELECT i FROM range(10) t(i)").WriteFile(folder.Path("x.parquet"), "parquet");
  DataFrame frame = session_.ReadParquet({folder.Path("x.parquet")});
  std::filesystem::remove(folder.Path("x.parquet"));
  HeldStream stream;
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { frame.ToArrowStream(stream.get()); }), "x.parquet");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { frame.Collect(stream.get()); }), "x.parquet");
}

TEST_F(ArrowOut, GoesOnBesideOtherStreamsOfTheFrame) {
  DataFrame frame = Many();
  HeldStream one, two;
  frame.ToArrowStream(one.get());
  frame.ToArrowStream(two.get());
  ArrowArray first = one.Next(), second = two.Next();
  first.release(&first);
  EXPECT_EQ(frame.Count(), kManyRows);
  EXPECT_EQ(RowsIn(two) + second.length, kManyRows);
  second.release(&second);
  one.Release();
}

TEST_F(ArrowOut, MayBeReadByAnotherThread) {
  HeldStream stream;
  Many().ToArrowStream(stream.get());
  int64_t rows = 0;
  std::thread([&] { rows = RowsIn(stream); }).join();
  EXPECT_EQ(rows, kManyRows);
}

TEST_F(ArrowOut, FeedsAnotherSession) {
  Session other = Session::Init(SmallOptions());
  DataFrame frame = session_.Sql(
      "SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE 't' || i END AS t, [i, NULL] AS l, {'a': i, "
      "'b': [{'c': i}]} AS s, "
      "MAP {'k': i} AS m, i % 2 = 0 AS b, i::DECIMAL(10, 2) AS d, DATE '2026-01-01' + i::INT AS "
      "day, "
      "('v' || i % 2)::ENUM('v0', 'v1') AS e, (i || 'x')::BLOB AS raw, i::HUGEINT AS h FROM "
      "range(10) t(i)");
  for (bool collected : {false, true}) {
    ArrowArrayStream stream;
    collected ? frame.Collect(&stream) : frame.ToArrowStream(&stream);
    EXPECT_EQ(RowsOf(other, other.FromArrow(&stream)), RowsOf(session_, frame));
  }
}

TEST_F(ArrowOut, ReadsThePartitionsOfAConcatenatedQuery) {
  DataFrame spread =
      session_.Sql("SELECT i FROM range(100) t(i)").Repartition(4, {.by_rows = true});
  DataFrame counts = session_.PartialSql("SELECT count(*) AS n, min(i) AS low FROM {0}",
                                         {.positional = {spread}}, MergeMode::kConcat);
  WithBoth(counts, [](HeldStream& stream) { EXPECT_EQ(RowsIn(stream), 4); });
}

}  // namespace
}  // namespace smallpond
