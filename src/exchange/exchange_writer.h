#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "exchange/exchange_format.h"

namespace smallpond {

/// What a written exchange file holds. Bytes of partitions are those in the file, without index and
/// description.
struct ExchangeFileSummary {
  struct Partition {
    uint64_t rows = 0;
    uint64_t bytes = 0;
  };
  uint64_t file_id = 0;  ///< Random. By it a reader knows this file from all others.
  uint64_t rows = 0;
  uint64_t bytes = 0;  ///< The whole file's.
  std::vector<Partition> partitions;
};

/// One run in memory: blocks grouped by partition. One thread fills it, then gives it to the
/// writer that made it. May be used for several runs, one after the other.
class ExchangeRun {
 public:
  /// Starts a block and returns where its payload is to be appended.
  ByteBuffer& BeginBlock();
  /// Ends it. Partitions must not descend within a run.
  void EndBlock(uint32_t partition, uint32_t rows);

  uint64_t bytes() const { return bytes_.size(); }

 private:
  friend class ExchangeWriter;
  struct Segment {
    uint32_t partition;
    ExchangeSegment place;  // Its offset counts from the run's start.
  };

  ExchangeRun(uint32_t num_partitions, uint64_t file_id)
      : num_partitions_(num_partitions), file_id_(file_id) {}

  uint32_t num_partitions_;
  uint64_t file_id_;
  ByteBuffer bytes_;
  size_t block_start_ = 0;
  std::vector<Segment> segments_;
};

/// Writes one exchange file, under the name that it is to have: it counts only when the trailer is
/// there. Errors are smallpond::Error of kind Io.
class ExchangeWriter {
 public:
  /// Creates the file, which must not exist.
  ExchangeWriter(std::string path, uint32_t num_partitions, std::string description);
  /// Removes the file unless it was finished.
  ~ExchangeWriter();
  ExchangeWriter(const ExchangeWriter&) = delete;
  ExchangeWriter& operator=(const ExchangeWriter&) = delete;

  ExchangeRun NewRun() const { return {num_partitions_, file_id_}; }

  /// Writes a run that NewRun made behind the others and empties it. Any thread may call it.
  void Append(ExchangeRun& run);

  /// Writes index, description and trailer, and closes the file. Called once, after all appends.
  ExchangeFileSummary Finish();

 private:
  [[noreturn]] void Fail(const std::string& step, int code) const;
  void Write(const void* bytes, size_t size);
  uint64_t WriteIndex();

  const std::string path_;
  const uint32_t num_partitions_;
  const std::string description_;
  const uint64_t file_id_;

  std::mutex mutex_;  // Guards everything below.
  int file_ = -1;
  uint64_t offset_ = 0;
  ExchangeFileSummary summary_;
  std::vector<std::vector<ExchangeRun::Segment>> runs_;  // With offsets from the file's start.
};

}  // namespace smallpond
