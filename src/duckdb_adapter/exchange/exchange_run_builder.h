#pragma once

#include <functional>
#include <vector>

#include "duckdb_adapter/exchange/exchange_column.h"
#include "exchange/exchange_output.h"
#include "exchange/exchange_writer.h"

namespace smallpond {

/// Buffers one thread's rows and turns them into runs. Its memory grows with its rows, not with the
/// number of partitions.
///
///   Append        rows as they come          columns of all partitions
///   Flush         each column is scattered   columns, grouped by partition
///                 blocks are cut, packed     one run in memory
///                 and compressed             → whoever writes it
class ExchangeRunBuilder {
 public:
  /// Takes a run, by writing it or by moving it elsewhere.
  using Emit = std::function<void(ExchangeRun& run)>;

  /// Emits a run when it has `limit_bytes` of rows.
  ExchangeRunBuilder(const ExchangeWriter& writer, const std::vector<ExchangeLayout>& columns,
                     PartitionFunction function, uint32_t num_partitions, ExchangeCodec codec,
                     size_t limit_bytes, Emit emit);

  /// With several partitions the chunk's keys follow its columns.
  void Append(duckdb::DataChunk& chunk);
  /// Emits what is left.
  void Flush();

 private:
  void Group();
  // Turns the buffered rows into run_.
  void EncodeRun();
  void EncodeBlock(uint32_t partition, size_t count);

  const PartitionFunction function_;
  const uint32_t num_partitions_;
  const size_t limit_bytes_;
  const Emit emit_;
  std::vector<ExchangeColumn> columns_;
  RowTargets partitions_;                 // Of each buffered row; empty for one partition.
  std::vector<uint32_t> partition_rows_;  // Buffered rows of each partition.
  size_t rows_ = 0;
  ExchangeRun run_;
  ExchangeCompressor compressor_;
  ByteBuffer head_;
  ByteBuffer scratch_;
};

}  // namespace smallpond
