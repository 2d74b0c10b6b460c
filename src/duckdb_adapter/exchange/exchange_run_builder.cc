#include "duckdb_adapter/exchange/exchange_run_builder.h"

#include <algorithm>

#include "duckdb_adapter/exchange/row_partitions.h"

namespace smallpond {
namespace {

// A block is what a reader decompresses at once.
constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kBlockRows = 64 << 10;
// Row numbers have 32 bits, and so have those of list elements, which take at least a byte each.
constexpr size_t kMaxRunBytes = size_t{1} << 30;

}  // namespace

ExchangeRunBuilder::ExchangeRunBuilder(const ExchangeWriter& writer,
                                       const std::vector<ExchangeLayout>& columns,
                                       PartitionFunction function, uint32_t num_partitions,
                                       ExchangeCodec codec, size_t limit_bytes, Emit emit)
    : function_(function),
      num_partitions_(num_partitions),
      limit_bytes_(std::min(limit_bytes, kMaxRunBytes)),
      emit_(std::move(emit)),
      columns_(columns.begin(), columns.end()),
      partition_rows_(num_partitions, 0),
      run_(writer.NewRun()),
      compressor_(codec) {}

void ExchangeRunBuilder::Append(duckdb::DataChunk& chunk) {
  size_t count = chunk.size();
  if (num_partitions_ > 1) {
    AppendRowPartitions(chunk, columns_.size(), function_, num_partitions_, partitions_);
    for (size_t i = partitions_.size() - count; i < partitions_.size(); ++i) {
      ++partition_rows_[partitions_[i]];
    }
  } else {
    partition_rows_[0] += static_cast<uint32_t>(count);
  }
  size_t bytes = partitions_.size() * sizeof(partitions_[0]);
  for (size_t i = 0; i < columns_.size(); ++i) {
    columns_[i].Append(chunk.data[i], count);
    bytes += columns_[i].bytes();
  }
  rows_ += count;
  if (bytes >= limit_bytes_ || rows_ >= kMaxRunBytes) Flush();
}

void ExchangeRunBuilder::Group() {
  std::vector<uint32_t> next(num_partitions_);
  uint32_t start = 0;
  for (uint32_t partition = 0; partition < num_partitions_; ++partition) {
    next[partition] = start;
    start += partition_rows_[partition];
  }
  // The partition numbers become the rows' new places.
  for (auto& row : partitions_) row = next[row]++;
  for (auto& column : columns_) column.Group(partitions_);
}

void ExchangeRunBuilder::EncodeBlock(uint32_t partition, size_t count) {
  ByteBuffer& payload = run_.BeginBlock();
  size_t start = payload.size();
  head_.Shrink(0);
  ExchangeBlockOutput out{payload, head_, scratch_, compressor_};
  for (auto& column : columns_) column.Encode(count, out);
  uint64_t head_start = payload.size() - start;
  payload.Append(head_.data(), head_.size());
  payload.PadTo(8);
  payload.Append(&head_start, sizeof(head_start));
  run_.EndBlock(partition, static_cast<uint32_t>(count));
}

void ExchangeRunBuilder::EncodeRun() {
  size_t bytes = 0;
  for (auto& column : columns_) bytes += column.bytes();
  size_t block_rows = std::clamp<size_t>(kBlockBytes / (bytes / rows_ + 1), 1, kBlockRows);
  // Whole vectors, so that a reader hands them out whole.
  if (block_rows > STANDARD_VECTOR_SIZE) block_rows -= block_rows % STANDARD_VECTOR_SIZE;
  for (uint32_t partition = 0; partition < num_partitions_; ++partition) {
    for (size_t left = partition_rows_[partition]; left > 0;) {
      size_t count = std::min(left, block_rows);
      EncodeBlock(partition, count);
      left -= count;
    }
  }
}

void ExchangeRunBuilder::Flush() {
  if (rows_ == 0) return;
  if (num_partitions_ > 1) Group();
  EncodeRun();
  emit_(run_);
  for (auto& column : columns_) column.Clear();
  partitions_.clear();
  std::fill(partition_rows_.begin(), partition_rows_.end(), 0);
  rows_ = 0;
}

}  // namespace smallpond
