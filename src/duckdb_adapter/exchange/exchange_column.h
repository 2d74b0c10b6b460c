#pragma once

#include <vector>

#include "base/byte_buffer.h"
#include "duckdb_adapter/exchange/exchange_codec.h"
#include "duckdb_adapter/exchange/exchange_layout.h"

namespace smallpond {

/// Where each buffered row goes when rows are grouped by partition.
using RowTargets = std::vector<uint32_t>;

/// The streams and the head of the block that is being written.
struct ExchangeBlockOutput {
  ByteBuffer& streams;
  ByteBuffer& head;
  ByteBuffer& scratch;
  ExchangeCompressor& compressor;
};

/// One column's rows until a run is written. Grows with its rows only, whatever the number of
/// partitions. For one thread.
class ExchangeColumn {
 public:
  explicit ExchangeColumn(ExchangeLayout layout);

  /// Adds `count` rows of any vector.
  void Append(duckdb::Vector& vector, size_t count);

  /// Moves row i to targets[i], a permutation.
  void Group(const RowTargets& targets);

  /// Writes the next `count` rows. Called for all rows, from first to last, after Group.
  void Encode(size_t count, ExchangeBlockOutput& out);

  /// Drops all rows and keeps the memory.
  void Clear();

  size_t bytes() const;

 private:
  void AppendFlat(duckdb::Vector& flat, size_t count);
  void AppendFixed(const duckdb::UnifiedVectorFormat& format, size_t count);
  void AppendStrings(const duckdb::UnifiedVectorFormat& format, size_t count);
  void AppendNested(duckdb::Vector& flat, size_t count);
  void AppendValidity(const duckdb::UnifiedVectorFormat& format, size_t count);
  void GroupStrings(const RowTargets& targets);
  void GroupChildren(const RowTargets& targets);
  void EncodeValues(size_t count, ExchangeBlockOutput& out);
  void EncodeValidity(size_t count, ExchangeBlockOutput& out);

  const uint32_t* lengths() const { return reinterpret_cast<const uint32_t*>(values_.data()); }

  ExchangeLayout layout_;
  size_t rows_ = 0;
  bool has_null_ = false;
  ByteBuffer validity_;  // A byte a row, 1 for a value; empty until the first NULL.
  ByteBuffer values_;    // Values, or u32 lengths.
  ByteBuffer bytes_;     // Of strings, one behind the other.
  std::vector<ExchangeColumn> children_;
  size_t encoded_rows_ = 0;
  size_t encoded_bytes_ = 0;
};

void AppendVarint(uint64_t number, ByteBuffer& out);

}  // namespace smallpond
