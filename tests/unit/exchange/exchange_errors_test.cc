// What exchange files do where something is wrong: the query, the files, or the memory.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "error_of.h"
#include "exchange_fixture.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

class ExchangeErrors : public ExchangeFixture {
 protected:
  std::string path() const { return folder_.Path("a.exchange"); }

  // Reads the file, which has to fail as a lost input of Part().
  void ExpectLost(const std::string& text) {
    SetInput({Part(path(), 0, 4)});
    // The first statement finds names and types, as SQL does; a plan brings them along.
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { Number(std::string("SELECT sum(i) ") + kScan); }),
                    text);
    auto lost = LostInput(*connection_);
    ASSERT_TRUE(lost);
    EXPECT_EQ(lost->path, path());
    EXPECT_EQ(lost->stage, 3);
    EXPECT_EQ(lost->task, 14);
    EXPECT_EQ(lost->attempt, 2);
  }

  void WriteNumbers() {
    fs::remove(path());
    Write(path(), "SELECT range AS i, range % 4 FROM range(100000)", {.output = ByNumber(4)});
  }

  // The peak of this process's memory from now on, or 0 where the kernel does not tell.
  static void ForgetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }
  static int64_t PeakBytes() { return StatusBytes("VmHWM:"); }
  static int64_t CurrentBytes() { return StatusBytes("VmRSS:"); }
  static int64_t StatusBytes(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(name)) return std::stoll(line.substr(name.size())) * 1024;
    }
    return 0;
  }
};

TEST_F(ExchangeErrors, SayWhichFileIsLost) {
  ExpectLost("does not exist");
  WriteNumbers();
  SetInput({Part(path(), 0, 4)});
  EXPECT_EQ(Number(std::string("SELECT sum(i) ") + kScan), 4999950000);
  EXPECT_FALSE(LostInput(*connection_));
  {
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(5000).put('!');
  }
  ExpectLost("checksum is wrong");
  fs::resize_file(path(), fs::file_size(path()) / 2);
  ExpectLost("torn");
  WriteNumbers();
  SetInput({Part(path(), 0, 4)});
  EXPECT_FALSE(LostInput(*connection_)) << "new inputs, nothing lost yet";
  EXPECT_EQ(Number(std::string("SELECT sum(i) ") + kScan), 4999950000);
}

TEST_F(ExchangeErrors, TellThatAWholeFileIsAnother) {
  WriteNumbers();
  auto other = folder_.Path("other.exchange");
  Write(other, "SELECT 1 AS i, range % 4 FROM range(100000)", {.output = ByNumber(4)});
  const auto part = Part(path(), 0, 4);
  fs::copy_file(other, path(), fs::copy_options::overwrite_existing);
  // One is opened for its columns; a few are opened before the scan begins, and many in it.
  for (size_t others : {0, 3, 100}) {
    std::vector<ExchangeInput::Part> parts(others, Part(other, 0, 4));
    parts.push_back(part);
    SetInput(parts);
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { Number(std::string("SELECT sum(i) ") + kScan); }),
                    "not the file that was written under this name");
    ASSERT_TRUE(LostInput(*connection_));
    EXPECT_EQ(LostInput(*connection_)->path, path());
  }
}

TEST_F(ExchangeErrors, FindALostFileAmongMany) {
  WriteNumbers();
  std::vector<ExchangeInput::Part> parts(100, Part(path(), 0, 4));
  parts[70] = {folder_.Path("missing"), 0, 4, 5, 6, 7};
  SetInput(parts);
  ErrorOf(ErrorKind::kIo, [&] { Number(std::string("SELECT sum(i) ") + kScan); });
  auto lost = LostInput(*connection_);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->stage, 5);
  EXPECT_EQ(lost->task, 6);
  EXPECT_EQ(lost->attempt, 7);
}

TEST_F(ExchangeErrors, LeaveNoFileBehind) {
  ErrorOf(ErrorKind::kInvalidInput, [&] {
    Write(path(),
          "SELECT range AS i, CASE WHEN range = 90000 THEN error('no') END FROM range(100000)", {});
  });
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(ExchangeErrors, RefuseWrongPartitionNumbers) {
  auto error = [&](const std::string& partition) {
    return InvalidInputOf([&] {
      Write(path(), "SELECT 1 AS i, " + partition + " FROM range(3)", {.output = ByNumber(4)});
    });
  };
  EXPECT_CONTAINS(error("4"), "Partition number 4 is out of range: there are 4.");
  EXPECT_CONTAINS(error("-1"), "Partition number -1 is out of range");
  EXPECT_CONTAINS(error("18446744073709551615::UBIGINT"), "out of range");
  EXPECT_CONTAINS(error("NULL::INT"), "NULL");
  EXPECT_CONTAINS(error("1.5"), "DECIMAL");
  EXPECT_CONTAINS(error("1::HUGEINT"), "HUGEINT");
}

TEST_F(ExchangeErrors, RefuseWrongOptions) {
  auto error = [&](const std::string& options) {
    return InvalidInputOf(
        [&] { Run("COPY (SELECT 1) TO 'x' (FORMAT smallpond_exchange, " + options + ")"); });
  };
  EXPECT_CONTAINS(error("PARTITIONS 0"), "PARTITIONS");
  EXPECT_CONTAINS(error("PARTITIONS 'many'"), "many");
  EXPECT_CONTAINS(error("CODEC 'gzip'"), "'none', 'lz4' or 'zstd'");
  EXPECT_CONTAINS(error("COLOUR 'red'"), "no option colour");
}

TEST_F(ExchangeErrors, SayWhenAnInputIsUnknown) {
  EXPECT_CONTAINS(
      InvalidInputOf([&] { Number("SELECT count(*) FROM smallpond_exchange_scan(9)"); }),
      "input 9 has no files");
}

TEST_F(ExchangeErrors, EndTheStatementAndNotTheDatabase) {
  WriteNumbers();
  auto other = folder_.Path("other.exchange");
  Write(other, "SELECT 'text' AS i", {});
  SetInput({Part(path(), 0, 4), Part(other, 0, 1)});
  EXPECT_CONTAINS(
      ErrorOf(ErrorKind::kInternal, [&] { Number(std::string("SELECT sum(i) ") + kScan); }),
      other + " has other columns than its reader expects");
  EXPECT_FALSE(connection_->IsBroken());
  SetInput({Part(path(), 0, 4)});
  EXPECT_EQ(Number(std::string("SELECT sum(i) ") + kScan), 4999950000);
}

TEST_F(ExchangeErrors, CountBuffersInTheMemoryLimit) {
  Database small({.memory_bytes = 64 << 20, .threads = 2, .temp_dir = folder_.Path("spill2")});
  RegisterExchange(small);
  Connection connection(small);
  ExchangeCopyOptions options{.buffer_bytes = 100 << 20};
  ErrorOf(ErrorKind::kOutOfMemory, [&] {
    connection.Run(
        Statement::Parse("COPY (FROM range(1000)) " + ExchangeCopyTarget(path(), options)));
  });
  EXPECT_FALSE(fs::exists(path()));
  options.buffer_bytes = 0;
  connection.Run(
      Statement::Parse("COPY (FROM range(1000)) " + ExchangeCopyTarget(path(), options)));
}

TEST_F(ExchangeErrors, BoundTheMemoryOfManyPartitionsOfWideRows) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps memory that was freed";
#endif
  std::string columns;
  for (int i = 0; i < 40; ++i) columns += "hash(range, " + std::to_string(i) + ")::VARCHAR, ";
  ExchangeCopyOptions options{.output = ByNumber(2000), .buffer_bytes = 16 << 20};
  auto query = "SELECT " + columns + "hash(range) % 2000 FROM range(60000)";
  Write(path(), query, options);  // The allocator has what the query itself needs.
  fs::remove(path());
  ForgetPeak();
  auto before = CurrentBytes();
  auto summary = Write(path(), query, options);
  EXPECT_GT(summary.bytes, 40u << 20);
  auto grown = PeakBytes() - before;
  EXPECT_LT(grown, 32 << 20);
  RecordProperty("grown_bytes", std::to_string(grown));
}

}  // namespace
}  // namespace smallpond
