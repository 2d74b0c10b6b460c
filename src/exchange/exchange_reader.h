#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "exchange/exchange_file_error.h"
#include "exchange/exchange_format.h"

namespace smallpond {

/// A range of neighbouring blocks in one run.
struct ExchangeExtent {
  uint64_t offset;
  uint64_t bytes;
  uint64_t rows;
  uint32_t partition_begin;
  uint32_t partition_end;
};

/// Opens a finished exchange file, or takes what one holds. Every method may be called by several
/// threads, and throws ExchangeFileError where the file is not what its writer finished, be it a
/// whole exchange file of another writer; smallpond::Error of kind Io where this process can't open
/// files.
class ExchangeReader {
 public:
  /// `file_id` is what ExchangeWriter::Finish told of the file.
  ExchangeReader(std::string path, uint64_t file_id,
                 std::shared_ptr<const std::string> content = nullptr);
  ~ExchangeReader();
  ExchangeReader(const ExchangeReader&) = delete;
  ExchangeReader& operator=(const ExchangeReader&) = delete;

  const std::string& path() const { return path_; }
  uint32_t num_partitions() const { return trailer_.num_partitions; }
  uint64_t num_rows() const { return trailer_.rows; }
  /// The writer's opaque bytes.
  const std::string& description() const { return description_; }

  /// Where the rows of partitions [begin, end) lie, in the file's order: one extent a run, or
  /// several that are cut between partitions where one would be longer than `max_bytes`.
  std::vector<ExchangeExtent> Extents(uint32_t begin, uint32_t end, uint64_t max_bytes) const;

 private:
  friend class ExchangeBlockReader;

  [[noreturn]] void Fail(const std::string& what) const { throw ExchangeFileError(path_, what); }
  void Open();
  void ReadTrailer(uint64_t file_id);
  std::vector<ExchangeSegment> ReadGroup(uint32_t group) const;
  void Read(uint64_t offset, size_t bytes, void* out) const;

  const std::string path_;
  const std::shared_ptr<const std::string> content_;  // Null: in the file.
  int file_ = -1;
  uint64_t file_bytes_ = 0;
  ExchangeTrailer trailer_{};
  std::string description_;
  std::string tail_;  // The file's last bytes, which hold a small file's index.
};

/// One checked block. The payload lives as long as `owner`.
struct ExchangeBlock {
  uint32_t partition = 0;
  uint32_t rows = 0;
  const char* payload = nullptr;  ///< Aligned to 8 bytes.
  size_t payload_bytes = 0;
  std::shared_ptr<const ByteBuffer> owner;
};

/// Reads an extent's blocks, one after the other, in large reads. For one thread. The reader must
/// outlive it.
class ExchangeBlockReader {
 public:
  ExchangeBlockReader(const ExchangeReader& reader, const ExchangeExtent& extent)
      : reader_(reader), extent_(extent) {}

  /// Returns false at the end. Throws ExchangeFileError where a block is damaged or blocks are
  /// missing.
  bool Next(ExchangeBlock* block);

 private:
  // Makes the next `bytes` of the extent available in window_.
  const char* Need(size_t bytes);
  [[noreturn]] void Fail(const std::string& what) const;

  const ExchangeReader& reader_;
  const ExchangeExtent extent_;
  uint64_t position_ = 0;  // In the extent.
  uint64_t rows_ = 0;
  std::shared_ptr<ByteBuffer> window_;
  uint64_t window_start_ = 0;  // In the extent.
};

}  // namespace smallpond
