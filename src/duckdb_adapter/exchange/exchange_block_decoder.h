#pragma once

#include <memory>
#include <string>
#include <vector>

#include "duckdb_adapter/exchange/exchange_codec.h"
#include "duckdb_adapter/exchange/exchange_layout.h"
#include "duckdb_adapter/exchange/exchange_packing.h"
#include "exchange/exchange_reader.h"

namespace smallpond {

/// One column of a block, read from its first row to its last.
class ExchangeColumnDecoder {
 public:
  /// What all columns of a block share.
  struct Block {
    const std::string& path;
    ExchangeCodec codec;
    ExchangeDecompressor& decompressor;
    const char* payload;
    size_t streams_bytes;
    std::shared_ptr<const ByteBuffer> owner;
  };
  /// Reads the numbers of the head.
  struct Head {
    const Block& block;
    const char* next;
    const char* end;
    size_t stream_offset = 0;

    uint64_t Number();
  };

  /// Takes the column's part of the head. Nothing is decompressed before the first Decode.
  ExchangeColumnDecoder(const ExchangeLayout& layout, size_t rows, Head& head);

  /// Writes the next `count` rows to `out`, a flat vector, from row `offset` on.
  void Decode(const Block& block, size_t count, duckdb::Vector& out, size_t offset);

 private:
  struct Stream {
    const char* stored = nullptr;
    size_t stored_size = 0;
    size_t size = 0;
    std::shared_ptr<const ByteBuffer> owner;  // Set by Load.
  };

  static Stream TakeStream(Head& head, size_t expected_size);
  static void Load(const Block& block, Stream& stream);
  void LoadAll(const Block& block);
  const uint32_t* Lengths(size_t count);
  void DecodeValidity(size_t count, duckdb::Vector& out, size_t offset);
  void DecodeStrings(const Block& block, size_t count, duckdb::Vector& out, size_t offset);
  void DecodeList(const Block& block, size_t count, duckdb::Vector& out, size_t offset);

  const ExchangeLayout& layout_;
  size_t rows_;
  size_t next_row_ = 0;
  size_t next_byte_ = 0;
  bool loaded_ = false;
  bool has_null_ = false;
  IntegerPacking packing_;
  Stream validity_;
  Stream values_;
  Stream bytes_;
  std::vector<uint32_t> lengths_;
  std::vector<ExchangeColumnDecoder> children_;
};

/// One block, read from its first row to its last. For one thread. Throws ExchangeFileError where
/// the block does not fit the types.
class ExchangeBlockDecoder {
 public:
  /// `layouts`, `path` and `decompressor` must outlive this.
  ExchangeBlockDecoder(const std::vector<ExchangeLayout>& layouts, const std::string& path,
                       ExchangeCodec codec, ExchangeDecompressor& decompressor,
                       const ExchangeBlock& block);

  size_t rows_left() const { return rows_left_; }

  /// Writes `count` rows of each of `columns` to the vector of `out` at the same position, from row
  /// `offset` on. Vectors of columns that the file lacks are left alone.
  void Decode(const std::vector<size_t>& columns, size_t count, duckdb::DataChunk& out,
              size_t offset);

 private:
  ExchangeColumnDecoder::Block block_;
  size_t rows_left_;
  std::vector<ExchangeColumnDecoder> columns_;
};

}  // namespace smallpond
