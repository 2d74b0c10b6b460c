// Exchange files through DuckDB: what COPY writes, the scan reads, and it is the same.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "error_of.h"
#include "exchange_fixture.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;
using ExchangeQuery = ExchangeFixture;

TEST_F(ExchangeQuery, KeepsEveryType) {
  Run("CREATE TABLE types AS FROM test_all_types()");
  for (auto codec : {ExchangeCodec::kNone, ExchangeCodec::kLz4, ExchangeCodec::kZstd}) {
    RoundTrip("types", "0", {.output = ByNumber(1), .codec = codec});
    RoundTrip("types", "(hash(int) % 2)::INT", {.output = ByNumber(2), .codec = codec});
  }
}

TEST_F(ExchangeQuery, KeepsTypesThatNoOtherFormatKeeps) {
  Run("CREATE TABLE t AS SELECT i, i::HUGEINT * 1000000000000 AS h, (-i)::INT8::BIT AS b, "
      "union_value(num := i) AS u, INTERVAL (i) MONTH AS iv, make_timestamp(i * "
      "1000000)::TIMESTAMP_S AS ts, "
      "[{'a': i}, NULL]::STRUCT(a BIGINT)[2] AS arr, MAP {i: [i, NULL]} AS m, "
      "('point(' || i || ' 1)')::GEOMETRY AS g, {'x': i, 'y': [i, i]}::VARIANT AS v, "
      "i::VARCHAR::BIGNUM AS big FROM (SELECT (range - 50) AS i FROM range(100))");
  RoundTrip("t", "(i + 50) % 7", {.output = ByNumber(7)});
}

TEST_F(ExchangeQuery, SpreadsRowsOverAnyNumberOfPartitions) {
  Run("CREATE TABLE t AS SELECT i, i::DOUBLE AS d, "
      "repeat(chr(97 + (i % 26)::INT), (i % 40)::INT) AS s, "
      "CASE WHEN i % 3 = 0 THEN NULL ELSE [i, NULL, i + 1] END AS l, "
      "{'a': i, 'b': [i::VARCHAR]} AS st FROM range(12000) r(i)");
  for (uint32_t n : {1u, 7u, 64u, 2000u}) {
    ExchangeCopyOptions options{.output = ByNumber(n)};
    auto number = "(i * 2654435761 % " + std::to_string(n) + ")";
    RoundTrip("t", number + "::USMALLINT", options);
    options.buffer_bytes = 1 << 20;  // Many runs.
    RoundTrip("t", number, options);
    options.output.ordered = true;  // A run a batch.
    RoundTrip("t", number, options);
  }
}

TEST_F(ExchangeQuery, TakesVectorsOfEveryKind) {
  // Constants, sequences, dictionaries of a join and of an ENUM, slices of filters, all NULL.
  Run("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')");
  Run("CREATE TABLE words AS SELECT i AS k, 'word number ' || i AS w, [i, i] AS l, {'i': i} AS st "
      "FROM range(10) r(i)");
  Run("CREATE VIEW t AS SELECT i, 42 AS c, 'constant text of some length' AS ct, [1, 2] AS cl, "
      "NULL AS n, NULL::VARCHAR AS ns, w, l, st, NULL::STRUCT(a INT, b INT[]) AS nst, "
      "CASE i % 3 WHEN 0 THEN 'sad' WHEN 1 THEN 'happy' END::mood AS e, [w, NULL, w] AS lw "
      "FROM range(20000) r(i) JOIN words ON i % 11 = k WHERE i % 5 <> 2");
  for (uint32_t n : {1u, 64u}) RoundTrip("t", "i % 64", {.output = ByNumber(n)});
}

TEST_F(ExchangeQuery, TakesHostileValues) {
  Run("CREATE TABLE t AS SELECT i, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN "
      "'123456789012' ELSE '1234567890123' END AS s, CASE WHEN i % 2 = 0 THEN "
      "'-9223372036854775808'::BIGINT ELSE 9223372036854775807 END AS extreme, "
      "CASE i % 3 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN '-inf'::DOUBLE ELSE -0.0 END AS d, "
      "CASE i % 3 WHEN 0 THEN []::INT[] WHEN 1 THEN NULL ELSE range(CASE i WHEN 500 THEN 9000 ELSE "
      "i % 30 END)::INT[] END AS l, "
      "(chr(0) || 'nul')::BLOB AS b, 18446744073709551615::UBIGINT - i::UBIGINT AS u, "
      "CASE WHEN i % 2 = 0 THEN {'a': NULL, 'b': [[NULL], [], NULL]} END AS deep "
      "FROM range(3000) r(i)");
  for (auto codec : {ExchangeCodec::kNone, ExchangeCodec::kLz4, ExchangeCodec::kZstd}) {
    RoundTrip("t", "i % 7", {.output = ByNumber(7), .codec = codec});
  }
}

TEST_F(ExchangeQuery, TakesStringsLargerThanTheBuffer) {
  Run("CREATE TABLE t AS SELECT i, repeat(chr(97 + i::INT), (i * 400000)::INT) AS s, "
      "[repeat('x', 1200000)] AS l FROM range(8) r(i)");
  for (auto codec : {ExchangeCodec::kNone, ExchangeCodec::kZstd}) {
    RoundTrip("t", "i % 3", {.output = ByNumber(3), .buffer_bytes = 1 << 20, .codec = codec});
  }
}

TEST_F(ExchangeQuery, WritesAFileForNoRows) {
  Run("CREATE TABLE t (i INTEGER, l VARCHAR[])");
  for (uint32_t n : {1u, 7u}) {
    RoundTrip("t", "0", {.output = ByNumber(n)});
    RoundTrip("t", "0", {.output = ByNumber(n, true)});
  }
}

TEST_F(ExchangeQuery, ReadsOnlyTheColumnsThatAQueryNeeds) {
  auto path = folder_.Path("a.exchange");
  Write(path, "SELECT range AS i, [range] AS l, range::VARCHAR AS s FROM range(10000)", {});
  SetInput({Part(path, 0, 1)});
  EXPECT_EQ(Number(std::string("SELECT sum(s::INT + i) ") + kScan), 2 * 49995000);
  EXPECT_EQ(Number(std::string("SELECT sum(l[1]) ") + kScan + " WHERE i < 10"), 45);
  EXPECT_EQ(Number(std::string("SELECT count(*) ") + kScan + " WHERE i < 10"), 10);
}

TEST_F(ExchangeQuery, ReadsManyFiles) {
  std::vector<ExchangeInput::Part> parts;
  for (int file = 0; file < 50; ++file) {
    auto path = folder_.Path(std::to_string(file) + ".exchange");
    Write(path,
          "SELECT range + " + std::to_string(file * 1000) + " AS i, range % 4 FROM range(1000)",
          {.output = ByNumber(4)});
    parts.push_back(Part(path, 1, 3));
  }
  SetInput(parts);
  EXPECT_EQ(Number(std::string("SELECT count(DISTINCT i) ") + kScan), 25000);
  EXPECT_EQ(Number(std::string("SELECT count(*) ") + kScan + " WHERE i % 4 NOT IN (1, 2)"), 0);
  parts.resize(20);
  SetInput(parts);
  EXPECT_EQ(Number(std::string("SELECT count(DISTINCT i) ") + kScan), 10000);
}

TEST_F(ExchangeQuery, KeepsTheOrderOfRows) {
  Run("CREATE TABLE t AS SELECT range AS i FROM range(1000000)");
  auto path = folder_.Path("a.exchange");
  const std::string queries[] = {"FROM t", "SELECT i FROM t ORDER BY hash(i) LIMIT 500000",
                                 "FROM t UNION ALL FROM t", "SELECT i FROM t LIMIT 300000"};
  Run("SET threads = 1");  // Then a scan hands out rows as they lie.
  for (const auto& query : queries) {
    Run("SET threads = 4");
    Run("CREATE OR REPLACE TEMP TABLE expected AS " + query);
    fs::remove(path);
    Write(path, query, {.output = ByNumber(1, true)});
    SetInput({Part(path, 0, 1)});
    Run("SET threads = 1");
    Run(std::string("CREATE OR REPLACE TEMP TABLE found AS ") + kScan);
    EXPECT_EQ(Number("SELECT count(*) FROM expected"), Number("SELECT count(*) FROM found"));
    EXPECT_EQ(Number("SELECT count(*) FROM expected e POSITIONAL JOIN found f "
                     "WHERE e.i IS DISTINCT FROM f.i"),
              0)
        << query;
  }
}

TEST_F(ExchangeQuery, ServesEachConnectionItsOwnInputs) {
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      Connection connection(database_);
      auto path = folder_.Path(std::to_string(number));
      connection.Run(Statement::Parse("COPY (SELECT range * " + std::to_string(number) +
                                      " AS i FROM range(1000)) " + ExchangeCopyTarget(path, {})));
      EXPECT_EQ(TakeExchangeWriteSummary(connection)->rows, 1000u);
      EXPECT_FALSE(TakeExchangeWriteSummary(connection));
      SetExchangeInputs(connection, {{1, {{Part(path, 0, 1)}}}});
      auto sum = Statement::ParseQuery(std::string("SELECT sum(i) ") + kScan);
      EXPECT_EQ(connection.QueryInt64(std::move(sum)), number * 499500);
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace smallpond
