// The exchange file by itself: what goes in comes out, and nothing else ever does.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "error_of.h"
#include "exchange/exchange_reader.h"
#include "exchange/exchange_writer.h"
#include "exchange_file_id.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;
using Payloads = std::map<uint32_t, std::string>;  // A partition's payloads, joined.

constexpr uint64_t kAnyBytes = UINT64_MAX;

class ExchangeFile : public ::testing::Test {
 protected:
  std::string path() const { return folder_.Path("a.exchange"); }

  static std::string Text(uint32_t partition, int run) {
    return "partition " + std::to_string(partition) + " of run " + std::to_string(run) + ";";
  }

  // Text with its padding: a payload is a multiple of 8.
  static std::string Padded(std::string text) {
    text.resize((text.size() + 7) / 8 * 8);
    return text;
  }

  static void AddRun(ExchangeWriter& writer, uint32_t num_partitions, int number) {
    auto run = writer.NewRun();
    for (uint32_t partition = 0; partition < num_partitions; ++partition) {
      auto text = Text(partition, number);
      run.BeginBlock().Append(text.data(), text.size());
      run.EndBlock(partition, partition + 1);
    }
    writer.Append(run);
  }

  ExchangeFileSummary Write(uint32_t num_partitions, int num_runs) const {
    ExchangeWriter writer(path(), num_partitions, "the columns");
    for (int run = 0; run < num_runs; ++run) AddRun(writer, num_partitions, run);
    return writer.Finish();
  }

  static Payloads Read(const ExchangeReader& reader, uint32_t begin, uint32_t end,
                       uint64_t max_bytes = kAnyBytes) {
    Payloads payloads;
    for (auto& extent : reader.Extents(begin, end, max_bytes)) {
      ExchangeBlockReader blocks(reader, extent);
      ExchangeBlock block;
      while (blocks.Next(&block)) {
        payloads[block.partition].append(block.payload, block.payload_bytes);
      }
    }
    return payloads;
  }
  Payloads ReadAll() const {
    ExchangeReader reader(path(), FileIdIn(path()));
    return Read(reader, 0, reader.num_partitions());
  }

  std::string Bytes() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void SetBytes(const std::string& bytes) const {
    std::ofstream file(path(), std::ios::binary | std::ios::trunc);
    file << bytes;
  }

  std::string ReadError() const {
    try {
      ReadAll();
    } catch (const ExchangeFileError& error) {
      EXPECT_EQ(error.path(), path());
      EXPECT_EQ(error.kind(), ErrorKind::kIo);
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }

  ScratchFolder folder_;
};

TEST_F(ExchangeFile, GivesEachPartitionBackInTheOrderOfRuns) {
  for (uint32_t num_partitions : {1u, 2u, 31u, 32u, 33u, 2000u}) {
    fs::remove(path());
    auto summary = Write(num_partitions, 3);
    ExchangeReader reader(path(), FileIdIn(path()));
    EXPECT_EQ(reader.num_partitions(), num_partitions);
    EXPECT_EQ(reader.description(), "the columns");
    EXPECT_EQ(reader.num_rows(), 3 * num_partitions * (num_partitions + 1) / 2);
    EXPECT_EQ(summary.rows, reader.num_rows());
    EXPECT_EQ(summary.bytes, fs::file_size(path()));
    EXPECT_EQ(summary.file_id, FileIdIn(path()));
    auto payloads = Read(reader, 0, num_partitions);
    ASSERT_EQ(payloads.size(), num_partitions);
    for (uint32_t partition = 0; partition < num_partitions; ++partition) {
      std::string expected;
      for (int run = 0; run < 3; ++run) expected += Padded(Text(partition, run));
      EXPECT_EQ(payloads[partition], expected);
      EXPECT_EQ(summary.partitions[partition].rows, 3 * (partition + 1));
    }
  }
}

TEST_F(ExchangeFile, IsReadFromMemoryAsFromTheDisk) {
  for (uint32_t num_partitions : {1u, 33u, 2000u}) {
    fs::remove(path());
    Write(num_partitions, 3);
    const uint64_t id = FileIdIn(path());
    ExchangeReader on_disk(path(), id);
    auto content = std::make_shared<std::string>(Bytes());
    fs::remove(path());
    ExchangeReader reader(path(), id, content);
    EXPECT_EQ(reader.num_rows(), on_disk.num_rows());
    EXPECT_EQ(Read(reader, 0, num_partitions), Read(on_disk, 0, num_partitions));
    EXPECT_THROW(ExchangeReader(path(), id ^ 1, content), ExchangeFileError);
    for (size_t bytes : {size_t{0}, content->size() / 2, content->size() - 1}) {
      auto torn = std::make_shared<std::string>(content->substr(0, bytes));
      EXPECT_THROW(ExchangeReader(path(), id, torn), ExchangeFileError);
    }
  }
}

TEST_F(ExchangeFile, ReadsOneRangeOfNeighbouringPartitionsARun) {
  Write(200, 5);
  ExchangeReader reader(path(), FileIdIn(path()));
  for (auto [begin, end] : {std::pair{0u, 1u}, {7u, 9u}, {30u, 130u}, {199u, 200u}}) {
    EXPECT_EQ(reader.Extents(begin, end, kAnyBytes).size(), 5u);
    auto payloads = Read(reader, begin, end);
    EXPECT_EQ(payloads.size(), end - begin);
    EXPECT_EQ(payloads.begin()->first, begin);
    EXPECT_EQ(Read(reader, begin, end, 100), payloads) << "cut into small extents";
  }
  EXPECT_GT(reader.Extents(30, 130, 100).size(), 100u);
  EXPECT_TRUE(reader.Extents(5, 5, kAnyBytes).empty());
  ErrorOf(ErrorKind::kInternal, [&] { reader.Extents(0, 201, kAnyBytes); });
}

TEST_F(ExchangeFile, HoldsNoRows) {
  for (uint32_t num_partitions : {1u, 2000u}) {
    fs::remove(path());
    Write(num_partitions, 0);
    EXPECT_TRUE(ReadAll().empty());
  }
}

TEST_F(ExchangeFile, LeavesOutPartitionsThatARunLacks) {
  ExchangeWriter writer(path(), 100, "");
  for (uint32_t partition : {3u, 3u, 64u}) {
    auto run = writer.NewRun();
    run.BeginBlock().Append("12345678", 8);
    run.EndBlock(partition, 1);
    writer.Append(run);
  }
  auto summary = writer.Finish();
  EXPECT_EQ(summary.partitions[3].rows, 2u);
  EXPECT_EQ(ReadAll(), (Payloads{{3, "1234567812345678"}, {64, "12345678"}}));
}

TEST_F(ExchangeFile, KeepsBlocksOfAnySize) {
  ExchangeWriter writer(path(), 2, "");
  auto run = writer.NewRun();
  std::string expected;
  for (size_t size : {0, 1, 7, 3 << 20, 5, 2 << 20, 9 << 20, 8}) {
    std::string text(size, static_cast<char>('a' + size % 26));
    run.BeginBlock().Append(text.data(), text.size());
    run.EndBlock(1, 1);
    expected += Padded(text);
  }
  writer.Append(run);
  writer.Finish();
  EXPECT_EQ(ReadAll()[1], expected);
}

TEST_F(ExchangeFile, TakesRunsOfSeveralThreads) {
  ExchangeWriter writer(path(), 10, "");
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int run = 0; run < 50; ++run) AddRun(writer, 10, 7);
    });
  }
  for (auto& thread : threads) thread.join();
  writer.Finish();
  auto payloads = ReadAll();
  std::string expected;
  for (int run = 0; run < 400; ++run) expected += Padded(Text(9, 7));
  EXPECT_EQ(payloads[9], expected);
}

TEST_F(ExchangeFile, RefusesToReplaceAFile) {
  Write(1, 1);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { Write(1, 1); }), "File exists");
}

TEST_F(ExchangeFile, IsGoneIfItWasNotFinished) {
  {
    ExchangeWriter writer(path(), 3, "");
    AddRun(writer, 3, 0);
    EXPECT_TRUE(fs::exists(path()));
    EXPECT_CONTAINS(ReadError(), "torn");
  }
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(ExchangeFile, SaysThatItIsMissing) { EXPECT_CONTAINS(ReadError(), "does not exist"); }

TEST_F(ExchangeFile, IsReadInNoShorterForm) {
  Write(3, 2);
  for (auto size = fs::file_size(path()); size-- > 0;) {
    fs::resize_file(path(), size);
    EXPECT_CONTAINS(ReadError(), "torn");
  }
}

TEST_F(ExchangeFile, IsReadInNoLongerForm) {
  Write(4, 2);
  auto bytes = Bytes();
  SetBytes("12345678" + bytes);
  EXPECT_CONTAINS(ReadError(), "bytes and was written with");
  SetBytes(bytes + "12345678");
  EXPECT_CONTAINS(ReadError(), "torn");
}

TEST_F(ExchangeFile, NoticesEveryChangedByte) {
  Write(33, 1);
  auto bytes = Bytes();
  std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto put = [&](char byte) { file.seekp(static_cast<std::streamoff>(i)).put(byte).flush(); };
    put(static_cast<char>(bytes[i] ^ 1));
    EXPECT_NE(ReadError(), "") << "byte " << i << " of " << bytes.size();
    put(bytes[i]);
  }
  file.close();
  EXPECT_EQ(ReadAll().size(), 33u);
}

TEST_F(ExchangeFile, NoticesBlocksOfAnotherFile) {
  Write(2, 1);
  auto first = Bytes();
  fs::remove(path());
  Write(2, 1);
  auto second = Bytes();
  ASSERT_EQ(first.size(), second.size());
  size_t trailer = first.size() - sizeof(ExchangeTrailer);
  SetBytes(first.substr(0, 40) + second.substr(40));
  EXPECT_CONTAINS(ReadError(), "checksum is wrong");
  SetBytes(first.substr(0, trailer) + second.substr(trailer));
  EXPECT_CONTAINS(ReadError(), "damaged");
}

TEST_F(ExchangeFile, NoticesBlocksThatChangedPlaces) {
  ExchangeWriter writer(path(), 2, "");
  auto run = writer.NewRun();
  for (uint32_t partition : {0, 1}) {
    run.BeginBlock().Append("12345678", 8);
    run.EndBlock(partition, 1);
  }
  writer.Append(run);
  writer.Finish();
  auto bytes = Bytes();
  size_t block = sizeof(ExchangeBlockHeader) + 8;
  SetBytes(bytes.substr(block, block) + bytes.substr(0, block) + bytes.substr(2 * block));
  ExchangeReader reader(path(), FileIdIn(path()));
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { Read(reader, 0, 1); }), "one of partition 1");
}

TEST_F(ExchangeFile, IsNotAnotherWholeFileOfTheName) {
  const uint64_t first = Write(2, 1).file_id;
  fs::rename(path(), folder_.Path("first"));
  const uint64_t second = Write(2, 1).file_id;
  EXPECT_NE(first, second);
  ExchangeReader(path(), second);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { ExchangeReader(path(), first); }),
                  "not the file that was written under this name");
  fs::remove(path());
  fs::create_symlink(folder_.Path("first"), path());
  ExchangeReader(path(), first);
  EXPECT_THROW(ExchangeReader(path(), second), ExchangeFileError);
}

TEST_F(ExchangeFile, IsNeverWaitedFor) {
  auto error = [&] {
    try {
      ExchangeReader(path(), 1);
    } catch (const ExchangeFileError& lost) {
      return std::string(lost.what());
    }
    return std::string("nothing was thrown");
  };
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  EXPECT_CONTAINS(error(), "a pipe or a device");
  fs::remove(path());
  fs::create_symlink("/dev/zero", path());
  EXPECT_CONTAINS(error(), "a pipe or a device");
  fs::remove(path());
  fs::create_directory(path());
  EXPECT_CONTAINS(error(), "Is a directory");
  fs::remove(path());
  fs::create_symlink(path(), path());
  EXPECT_CONTAINS(error(), "symbolic links");
}

TEST_F(ExchangeFile, SaysWhenTheDiskIsFull) {
  if (!fs::exists("/dev/full")) GTEST_SKIP();
  fs::create_symlink("/dev/full", path());
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { Write(1, 1); }), "exchange" /* the path */);
}

}  // namespace
}  // namespace smallpond
