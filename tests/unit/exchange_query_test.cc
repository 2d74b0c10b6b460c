// Exchange files through DuckDB: what COPY writes, the scan reads, and it is the same.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/exchange_scan.h"
#include "duckdb_adapter/exchange_write.h"
#include "error_of.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

class ExchangeQuery : public ::testing::Test {
 protected:
  ExchangeQuery() : database_({.memory_bytes = uint64_t{2} << 30, .threads = 4, .temp_dir = ""}) {
    RegisterExchange(database_);
    connection_ = std::make_unique<Connection>(database_);
  }

  void Run(const std::string& sql) { connection_->Run(Statement::Parse(sql)); }
  int64_t Number(const std::string& sql) {
    return connection_->QueryInt64(Statement::ParseQuery(sql));
  }

  ExchangeFileSummary Write(const std::string& path, const std::string& query,
                            ExchangeCopyOptions options) {
    Run("COPY (" + query + ") " + ExchangeCopyTarget(path, options));
    auto summary = TakeExchangeWriteSummary(*connection_);
    if (!summary) throw std::runtime_error("no summary");
    return std::move(*summary);
  }

  static ExchangeInput::Part Part(const std::string& path, uint32_t begin, uint32_t end) {
    return {path, begin, end, 3, 14, 2};
  }
  void SetInput(std::vector<ExchangeInput::Part> parts) {
    SetExchangeInputs(*connection_, {{1, {std::move(parts)}}});
  }

  // Rows that one query has and the other has not.
  int64_t Differences(const std::string& left, const std::string& right) {
    return Number("SELECT count(*) FROM ((" + left + " EXCEPT ALL " + right + ") UNION ALL (" +
                  right + " EXCEPT ALL " + left + "))");
  }
  int64_t TypeDifferences(const std::string& left, const std::string& right) {
    return Differences("(FROM (DESCRIBE " + left + "))", "(FROM (DESCRIBE " + right + "))");
  }

  // Writes a table by a partition expression, reads all and each partition, and compares.
  void RoundTrip(const std::string& table, const std::string& partition,
                 ExchangeCopyOptions options) {
    SCOPED_TRACE(table + " by " + partition + ", " + std::to_string(options.num_partitions));
    auto path = folder_.Path("a.exchange");
    fs::remove(path);
    bool many = options.num_partitions > 1;
    auto summary =
        Write(path, "SELECT *" + (many ? ", " + partition : "") + " FROM " + table, options);
    EXPECT_EQ(summary.bytes, fs::file_size(path));
    EXPECT_EQ(summary.rows, static_cast<uint64_t>(Number("SELECT count(*) FROM " + table)));
    SetInput({Part(path, 0, options.num_partitions)});
    const std::string scan = "FROM smallpond_exchange_scan(1)";
    EXPECT_EQ(TypeDifferences("FROM " + table, scan), 0);
    EXPECT_EQ(Differences("(FROM " + table + ")", "(" + scan + ")"), 0);
    EXPECT_EQ(Number("SELECT count(*) " + scan), static_cast<int64_t>(summary.rows));
    for (uint32_t p = 0; p < options.num_partitions;
         p += std::max(1u, options.num_partitions / 3)) {
      SetInput({Part(path, p, p + 1)});
      EXPECT_EQ(Number("SELECT count(*) " + scan),
                static_cast<int64_t>(summary.partitions[p].rows));
      if (!many) continue;
      EXPECT_EQ(
          Differences("(FROM " + table + " WHERE " + partition + " = " + std::to_string(p) + ")",
                      "(" + scan + ")"),
          0);
    }
  }

  ScratchFolder folder_;
  Database database_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(ExchangeQuery, KeepsEveryType) {
  Run("CREATE TABLE types AS FROM test_all_types()");
  for (auto codec : {ExchangeCodec::kNone, ExchangeCodec::kLz4, ExchangeCodec::kZstd}) {
    RoundTrip("types", "0", {.num_partitions = 1, .codec = codec});
    RoundTrip("types", "(hash(int) % 2)::INT", {.num_partitions = 2, .codec = codec});
  }
}

TEST_F(ExchangeQuery, SpreadsRowsOverAnyNumberOfPartitions) {
  Run("CREATE TABLE t AS SELECT i, i::DOUBLE AS d, repeat(chr(97 + (i % 26)::INT), (i % 40)::INT) "
      "AS s, "
      "CASE WHEN i % 3 = 0 THEN NULL ELSE [i, NULL, i + 1] END AS l, {'a': i, 'b': [i::VARCHAR]} "
      "AS st "
      "FROM range(30000) r(i)");
  for (uint32_t n : {1u, 7u, 64u, 2000u}) {
    ExchangeCopyOptions options{.num_partitions = n};
    auto number = "(i * 2654435761 % " + std::to_string(n) + ")::INT";
    RoundTrip("t", number, options);
    options.buffer_bytes = 1 << 20;  // Many runs.
    RoundTrip("t", number, options);
  }
}

TEST_F(ExchangeQuery, SaysWhichPartCouldNotBeRead) {
  auto path = folder_.Path("a.exchange");
  Write(path, "FROM range(100000)", {});
  SetInput({Part(path, 0, 1)});
  EXPECT_EQ(Number("SELECT sum(range) FROM smallpond_exchange_scan(1)"), 4999950000);
  EXPECT_FALSE(LostInput(*connection_));
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(5000).put('!').flush();
  EXPECT_CONTAINS(
      ErrorOf(ErrorKind::kIo, [&] { Number("SELECT sum(range) FROM smallpond_exchange_scan(1)"); }),
      "checksum");
  auto lost = LostInput(*connection_);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->path, path);
  EXPECT_EQ(lost->stage, 3);
  EXPECT_EQ(lost->task, 14);
  EXPECT_EQ(lost->attempt, 2);
}

}  // namespace
}  // namespace smallpond
