// Arrow tables into smallpond: what is read, and that everything comes back to its producer once.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "arrow_batches.h"
#include "base/limits.h"
#include "error_of.h"
#include "rows_of.h"
#include "small_session.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

class ArrowIn : public ::testing::Test {
 protected:
  ~ArrowIn() override {
    session_.Close();
    EXPECT_EQ(ledger_.made, ledger_.released) << "made and released";
  }

  DataFrame Open(ArrowSchema schema, std::vector<ArrowArray> batches,
                 const std::string& error = "") {
    ArrowArrayStream stream;
    BatchStream::Open(std::make_unique<BatchStream>(ledger_, schema, std::move(batches), error),
                      &stream);
    return session_.FromArrow(&stream);
  }
  ArrowSchema Table(std::vector<ArrowSchema> columns) {
    return ArrowMaker(ledger_).Field("+s", "", std::move(columns));
  }
  ArrowSchema Field(const std::string& format, const std::string& name,
                    std::vector<ArrowSchema> children = {},
                    std::optional<ArrowSchema> dictionary = {}) {
    return ArrowMaker(ledger_).Field(format, name, std::move(children), dictionary);
  }
  Rows Read(const DataFrame& frame) { return RowsOf(session_, frame); }
  Rows Read(const DataFrame& frame, const std::string& query) {
    return RowsOf(session_, frame, query);
  }

  ArrowLedger ledger_;
  Session session_ = Session::Init(SmallOptions());
};

TEST_F(ArrowIn, ReadsPlainColumnsWithNulls) {
  for (int64_t pad : {0, 1, 7, 8, 13}) {
    SCOPED_TRACE(pad);
    ArrowMaker make(ledger_, pad);
    DataFrame frame =
        Open(Table({Field("l", "a"), Field("i", "b"), Field("g", "c"), Field("b", "d"),
                    Field("u", "e")}),
             {make.Batch(3,
                         {make.Numbers<int64_t>({1, {}, 3}), make.Numbers<int32_t>({{}, 5, 6}),
                          make.Numbers<double>({0.5, -1.5, {}}), make.Bools({false, {}, true}),
                          make.Texts({"x", "", {}})},
                         0)});
    EXPECT_EQ(Read(frame), Rows({"(1, NULL, 0.5, false, x)", "(NULL, 5, -1.5, NULL, )",
                                 "(3, 6, NULL, true, NULL)"}));
    EXPECT_EQ(frame.ToString(), "DataFrame[a BIGINT, b INTEGER, c DOUBLE, d BOOLEAN, e VARCHAR]");
  }
}

TEST_F(ArrowIn, AddsTheOffsetOfABatchToThatOfItsColumns) {
  ArrowMaker make(ledger_, 2);
  ArrowArray numbers = make.Numbers<int64_t>({10, 11, {}, 13, 14});
  ArrowArray bools = make.Bools({true, false, true, {}, false});
  DataFrame frame =
      Open(Table({Field("l", "a"), Field("b", "b")}), {make.Batch(3, {numbers, bools}, 2)});
  EXPECT_EQ(Read(frame), Rows({"(NULL, true)", "(13, NULL)", "(14, false)"}));
}

TEST_F(ArrowIn, CutsLargeBatchesIntoSlices) {
  constexpr int64_t kRows = 2 * kArrowBatchRows + 5;
  ArrowMaker make(ledger_, 3);
  ArrowMaker::Cells<int64_t> numbers;
  ArrowMaker::Cells<bool> bools;
  ArrowMaker::Cells<std::string> texts;
  ArrowMaker::Cells<int8_t> indices;
  for (int64_t i = 0; i < kRows; ++i) {
    numbers.push_back(i % 10 == 7 ? std::nullopt : std::optional<int64_t>(i));
    bools.push_back(i % 3 == 0);
    texts.push_back("t" + std::to_string(i));
    indices.push_back(static_cast<int8_t>(i % 2));
  }
  DataFrame frame = Open(
      Table(
          {Field("l", "a"), Field("b", "b"), Field("u", "c"), Field("c", "d", {}, Field("u", ""))}),
      {make.Batch(kRows, {make.Numbers(numbers), make.Bools(bools), make.Texts(texts),
                          make.Dictionary(indices, ArrowMaker(ledger_).Texts({"even", "odd"}))})});
  std::string wrong =
      "SELECT count(*) FILTER (a % 10 = 7 OR a::VARCHAR <> c[2:]) AS x, count(*) FILTER (b <> "
      "(c[2:]::INT % 3 = 0)) AS y,"
      " count(*) FILTER (d <> CASE c[2:]::INT % 2 WHEN 0 THEN 'even' ELSE 'odd' END) AS z, "
      "count(*) AS n,"
      " count(*) - count(a) AS nulls, count(DISTINCT c) AS c FROM {0}";
  std::string rows = std::to_string(kRows);
  EXPECT_EQ(Read(frame, wrong), Rows({"(0, 0, 0, " + rows + ", " +
                                      std::to_string((kRows + 2) / 10) + ", " + rows + ")"}));
}

TEST_F(ArrowIn, ReadsNestedColumnsWithOffsets) {
  for (int64_t pad : {0, 3}) {
    SCOPED_TRACE(pad);
    ArrowMaker make(ledger_, pad), plain(ledger_);
    // Lists point into their elements themselves; a struct's children are as long as the struct and
    // its padding.
    ArrowArray list = make.Lists({2, {}, 0, 1}, plain.Numbers<int64_t>({1, {}, 3}));
    ArrowMaker::Cells<int64_t> padded(static_cast<size_t>(pad), 55);
    for (std::optional<int64_t> cell : {std::optional<int64_t>(4), {}, {6}, {7}})
      padded.push_back(cell);
    ArrowArray structs = make.Structs({true, true, {}, true}, {plain.Numbers(padded)});
    DataFrame frame =
        Open(Table({Field("+l", "l", {Field("l", "item")}), Field("+s", "s", {Field("l", "x")})}),
             {make.Batch(4, {list, structs}, 0)});
    EXPECT_EQ(Read(frame),
              Rows({"([1, NULL], {x: 4})", "(NULL, {x: NULL})", "([], NULL)", "([3], {x: 7})"}));
  }
}

TEST_F(ArrowIn, ReadsListsOfStructsInABatchThatBeginsLater) {
  ArrowMaker plain(ledger_);
  ArrowArray items = plain.Structs(
      {true, true, true, {}, true},
      {plain.Numbers<int64_t>({1, 2, 3, 4, 5}), plain.Texts({"a", "b", {}, "d", "e"})});
  ArrowArray lists = plain.Lists({1, 2, 0, 2}, items);
  DataFrame frame =
      Open(Table({Field("+l", "l", {Field("+s", "item", {Field("l", "n"), Field("u", "t")})})}),
           {plain.Batch(3, {lists}, 1)});
  EXPECT_EQ(Read(frame),
            Rows({"([{n: 2, t: b}, {n: 3, t: NULL}])", "([])", "([NULL, {n: 5, t: e}])"}));
}

TEST_F(ArrowIn, ReadsDictionariesThatDifferFromBatchToBatch) {
  ArrowMaker make(ledger_, 1), plain(ledger_);
  ArrowArray first = make.Dictionary({0, 1, {}, 1}, plain.Texts({"a", "b"}));
  ArrowArray second = make.Dictionary({2, 0, 1, 2}, plain.Texts({"c", {}, "a"}));
  DataFrame frame = Open(Table({Field("c", "d", {}, Field("u", ""))}),
                         {make.Batch(4, {first}, 0), make.Batch(4, {second}, 0)});
  EXPECT_EQ(Read(frame), Rows({"(a)", "(b)", "(NULL)", "(b)", "(a)", "(c)", "(NULL)", "(a)"}));
  EXPECT_EQ(Read(frame, "SELECT d, count(*) AS n FROM {0} GROUP BY d ORDER BY d"),
            Rows({"(a, 3)", "(b, 2)", "(c, 1)", "(NULL, 2)"}));
}

TEST_F(ArrowIn, TakesCountsOfNullsThatAreLeftOpen) {
  ArrowMaker plain(ledger_);
  ArrowArray dictionary =
      plain.Dictionary({1, 0, 1}, ArrowMaker::WithoutCount(plain.Texts({"a", {}})));
  DataFrame frame =
      Open(Table({Field("l", "a"), Field("c", "d", {}, Field("u", ""))}),
           {plain.Batch(3, {ArrowMaker::WithoutCount(plain.Numbers<int64_t>({1, {}, 3})),
                            ArrowMaker::WithoutCount(dictionary)})});
  EXPECT_EQ(Read(frame), Rows({"(1, NULL)", "(NULL, a)", "(3, NULL)"}));
}

TEST_F(ArrowIn, SkipsEmptyBatches) {
  ArrowMaker make(ledger_);
  auto batch = [&](const ArrowMaker::Cells<int64_t>& cells) {
    return make.Batch(static_cast<int64_t>(cells.size()), {make.Numbers(cells)});
  };
  DataFrame frame = Open(Table({Field("l", "a")}),
                         {batch({}), batch({1}), batch({}), batch({}), batch({2, 3}), batch({})});
  EXPECT_EQ(Read(frame), Rows({"(1)", "(2)", "(3)"}));
  EXPECT_EQ(frame.Count(), 3);
  DataFrame nothing = Open(Table({Field("l", "a")}), {batch({}), batch({})});
  EXPECT_EQ(nothing.Count(), 0);
  DataFrame no_batch = Open(Table({Field("l", "a")}), {});
  EXPECT_EQ(no_batch.Count(), 0);
  EXPECT_EQ(Read(no_batch, "SELECT count(*) AS n, sum(a) AS s FROM {0}"), Rows({"(0, NULL)"}));
}

TEST_F(ArrowIn, ReadsOnlyTheColumnsOfAQueryInAnyOrder) {
  ArrowMaker make(ledger_, 1);
  DataFrame frame =
      Open(Table({Field("l", "a"), Field("u", "b"), Field("g", "c")}),
           {make.Batch(3, {make.Numbers<int64_t>({1, 2, 3}), make.Texts({"x", "y", "z"}),
                           make.Numbers<double>({0.5, 1.5, 2.5})})});
  EXPECT_EQ(Read(frame, "SELECT c, a FROM {0}"), Rows({"(0.5, 1)", "(1.5, 2)", "(2.5, 3)"}));
  EXPECT_EQ(Read(frame, "SELECT b, b AS again FROM {0} WHERE c > 1"), Rows({"(y, y)", "(z, z)"}));
  EXPECT_EQ(Read(frame, "SELECT count(*) AS n FROM {0}"), Rows({"(3)"}));
  EXPECT_EQ(Read(frame, "SELECT 7 AS x FROM {0} WHERE b <> 'y'"), Rows({"(7)", "(7)"}));
  EXPECT_EQ(Read(frame, "SELECT a FROM {0} WHERE a = 2 OR b = 'z' ORDER BY c DESC LIMIT 1"),
            Rows({"(3)"}));
}

TEST_F(ArrowIn, TakesColumnsOfOneName) {
  ArrowMaker make(ledger_);
  DataFrame frame = Open(Table({Field("l", "a"), Field("l", "a"), Field("l", "A")}),
                         {make.Batch(1, {make.Numbers<int64_t>({1}), make.Numbers<int64_t>({2}),
                                         make.Numbers<int64_t>({3})})});
  EXPECT_EQ(frame.Count(), 1);
  EXPECT_EQ(Read(frame), Rows({"(1, 2, 3)"}));
}

TEST_F(ArrowIn, IsScannedSeveralTimesAtOnce) {
  constexpr int64_t kRows = 1000;
  ArrowMaker make(ledger_);
  ArrowMaker::Cells<int64_t> numbers;
  for (int64_t i = 0; i < kRows; ++i) numbers.push_back(i);
  DataFrame frame = Open(Table({Field("l", "a")}), {make.Batch(kRows, {make.Numbers(numbers)})});
  EXPECT_EQ(
      Read(frame, "SELECT count(*) AS n, sum(x.a) AS s FROM {0} x JOIN {0} y ON x.a = y.a + 1"),
      Rows({"(999, 499500)"}));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 5; ++j)
        EXPECT_EQ(Read(frame, "SELECT sum(a) AS s, count(*) AS n FROM {0}"),
                  Rows({"(499500, 1000)"}));
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(ArrowIn, IsHeldAsLongAsAFrameReadsIt) {
  ArrowMaker make(ledger_);
  auto frame = std::make_unique<DataFrame>(
      Open(Table({Field("l", "a")}), {make.Batch(2, {make.Numbers<int64_t>({1, 2})})}));
  int held = ledger_.made - ledger_.released;
  EXPECT_GT(held, 0);
  auto derived = std::make_unique<DataFrame>(
      session_.Sql("SELECT a + 1 AS b FROM {0}", {.positional = {*frame}}));
  frame.reset();
  EXPECT_EQ(Read(*derived), Rows({"(2)", "(3)"}));
  EXPECT_EQ(ledger_.made - ledger_.released, held);
  HeldStream stream;
  derived->ToArrowStream(stream.get());
  derived.reset();
  EXPECT_EQ(ledger_.made - ledger_.released, held) << "the stream reads it still";
  stream.Release();
  EXPECT_EQ(ledger_.made, ledger_.released);
}

TEST_F(ArrowIn, TakesTheStreamOverEvenWhereItFails) {
  ArrowMaker make(ledger_);
  auto batch = [&] { return make.Batch(1, {make.Numbers<int64_t>({1})}); };
  EXPECT_EQ(
      InvalidInputOf([&] { Open(Table({Field("l", "a")}), {batch(), batch()}, "disk on fire"); }),
      "The Arrow stream failed in get_next: disk on fire");
  EXPECT_TRUE(ledger_.Settled());
  EXPECT_EQ(InvalidInputOf([&] { Open(Table({Field("l", "a")}), {batch()}, "silent"); }),
            "The Arrow stream failed in get_next: Input/output error");
  EXPECT_EQ(InvalidInputOf([&] { Open(ArrowSchema{}, {}, "no schema"); }),
            "The Arrow stream failed in get_schema: no schema");
  EXPECT_EQ(InvalidInputOf([&] { Open(Field("l", "a"), {make.Numbers<int64_t>({1})}); }),
            "The Arrow stream holds type 'l', not record batches. Give a table.");
  EXPECT_EQ(InvalidInputOf([&] { Open(Table({}), {make.Batch(1, {})}); }),
            "The table has no columns. Give at least one.");
  EXPECT_TRUE(ledger_.Settled());
}

TEST_F(ArrowIn, RefusesTypesThatDuckDBLacks) {
  ArrowMaker make(ledger_);
  ErrorOf(ErrorKind::kUnsupported, [&] {
    Open(Table({Field("no such format", "a")}), {make.Batch(1, {make.Numbers<int64_t>({1})})});
  });
  EXPECT_TRUE(ledger_.Settled());
}

TEST_F(ArrowIn, TakesTheStreamOverEvenWhereTheSessionIsClosed) {
  ArrowMaker make(ledger_);
  Session closed = Session::Init(SmallOptions());
  closed.Close();
  ArrowArrayStream stream;
  BatchStream::Open(std::make_unique<BatchStream>(
                        ledger_, Table({Field("l", "a")}),
                        std::vector<ArrowArray>{make.Batch(1, {make.Numbers<int64_t>({1})})}),
                    &stream);
  EXPECT_CONTAINS(InvalidInputOf([&] { closed.FromArrow(&stream); }), "The session is closed");
  EXPECT_EQ(stream.release, nullptr);
  EXPECT_TRUE(ledger_.Settled());
}

}  // namespace
}  // namespace smallpond
