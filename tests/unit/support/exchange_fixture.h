#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "duckdb_adapter/exchange/exchange_write.h"
#include "exchange_file_id.h"
#include "scratch_folder.h"

namespace smallpond {

/// A database that knows exchange files, a connection and a folder for the files.
class ExchangeFixture : public ::testing::Test {
 protected:
  static constexpr const char* kScan = "FROM smallpond_exchange_scan(1)";

  ExchangeFixture()
      : database_(
            {.memory_bytes = uint64_t{2} << 30, .threads = 4, .temp_dir = folder_.Path("spill")}) {
    RegisterExchange(database_);
    connection_ = std::make_unique<Connection>(database_);
  }

  void Run(const std::string& sql) { connection_->Run(Statement::Parse(sql)); }
  int64_t Number(const std::string& sql) {
    return connection_->QueryInt64(Statement::ParseQuery(sql));
  }

  ExchangeFileSummary Write(const std::string& path, const std::string& query,
                            const ExchangeCopyOptions& options) {
    Run("COPY (" + query + ") " + ExchangeCopyTarget(path, options));
    auto summary = TakeExchangeWriteSummary(*connection_);
    if (!summary) throw std::runtime_error("no summary");
    return std::move(*summary);
  }

  /// Partitions that the query's last column numbers.
  static ExchangeOutput ByNumber(uint32_t num_partitions, bool ordered = false) {
    return {.num_keys = 1,
            .function = PartitionFunction::kNumber,
            .num_partitions = static_cast<int>(num_partitions),
            .ordered = ordered};
  }

  /// Partitions [begin, end) of attempt 2 of task 14 of stage 3: of the file that is there now.
  static ExchangeInput::Part Part(const std::string& path, uint32_t begin, uint32_t end) {
    return {path, begin, end, 3, 14, 2, FileIdIn(path)};
  }
  void SetInput(std::vector<ExchangeInput::Part> parts) {
    SetExchangeInputs(*connection_, {{1, {std::move(parts)}}});
  }

  /// The number of rows that one query has and the other has not.
  int64_t Differences(const std::string& left, const std::string& right) {
    return Number("SELECT count(*) FROM ((" + left + " EXCEPT ALL " + right + ") UNION ALL (" +
                  right + " EXCEPT ALL " + left + "))");
  }

  /// Writes a table by a partition expression, reads all partitions and some of them, and compares.
  void RoundTrip(const std::string& table, const std::string& partition,
                 const ExchangeCopyOptions& options) {
    SCOPED_TRACE(table + " by " + partition + ", " + std::to_string(options.output.num_partitions));
    auto path = folder_.Path("a.exchange");
    std::filesystem::remove(path);
    auto n = static_cast<uint32_t>(options.output.num_partitions);
    auto summary =
        Write(path, "SELECT *" + (n > 1 ? ", " + partition : "") + " FROM " + table, options);
    EXPECT_EQ(summary.bytes, std::filesystem::file_size(path));
    EXPECT_EQ(summary.rows, static_cast<uint64_t>(Number("SELECT count(*) FROM " + table)));
    SetInput({Part(path, 0, n)});
    EXPECT_EQ(Differences("(FROM (DESCRIBE FROM " + table + "))",
                          std::string("(FROM (DESCRIBE ") + kScan + "))"),
              0);
    EXPECT_EQ(Differences("(FROM " + table + ")", Scan()), 0);
    EXPECT_EQ(Number("SELECT count(*) FROM " + Scan()), static_cast<int64_t>(summary.rows));
    for (uint32_t p = 0; p < n && n > 1; p += std::max(1u, n / 3)) {
      SetInput({Part(path, p, p + 1)});
      auto rows = "(FROM " + table + " WHERE " + partition + " = " + std::to_string(p) + ")";
      EXPECT_EQ(Differences(rows, Scan()), 0);
      EXPECT_EQ(Number("SELECT count(*) FROM " + Scan()),
                static_cast<int64_t>(summary.partitions[p].rows));
    }
  }

  ScratchFolder folder_;
  Database database_;
  std::unique_ptr<Connection> connection_;

 private:
  static std::string Scan() { return std::string("(") + kScan + ")"; }
};

}  // namespace smallpond
