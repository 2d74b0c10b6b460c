#include "duckdb_adapter/exchange/exchange_block_decoder.h"

#include <cstring>

namespace smallpond {
namespace {

// Keeps the bytes of a block alive as long as a vector refers to strings in them.
class BlockBytes : public duckdb::VectorBuffer {
 public:
  explicit BlockBytes(std::shared_ptr<const ByteBuffer> bytes)
      : VectorBuffer(duckdb::VectorBufferType::OPAQUE_BUFFER), bytes_(std::move(bytes)) {}

 private:
  std::shared_ptr<const ByteBuffer> bytes_;  // With the reader of the block.
};

[[noreturn]] void FailMalformed(const std::string& path) {
  throw ExchangeFileError(path, "a block does not fit the columns' types");
}

}  // namespace

using Block = ExchangeColumnDecoder::Block;

uint64_t ExchangeColumnDecoder::Head::Number() {
  uint64_t number = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (next == end) FailMalformed(block.path);
    auto byte = static_cast<uint8_t>(*next++);
    number |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
  FailMalformed(block.path);
}

ExchangeColumnDecoder::ExchangeColumnDecoder(const ExchangeLayout& layout, size_t rows, Head& head)
    : layout_(layout), rows_(rows) {
  has_null_ = head.Number() != 0;
  if (has_null_) validity_ = TakeStream(head, (rows + 63) / 64 * 8);
  if (layout.width > 0) {
    packing_.width = static_cast<int>(head.Number());
    if (packing_.width != layout.width) packing_.base = head.Number();
    values_ = TakeStream(head, rows * static_cast<size_t>(packing_.width));
  }
  if (layout.shape == ExchangeShape::kString) {
    bytes_ = TakeStream(head, SIZE_MAX);
  } else if (layout.shape == ExchangeShape::kList) {
    children_.emplace_back(layout.children[0], head.Number(), head);
  } else if (layout.shape == ExchangeShape::kArray) {
    children_.emplace_back(layout.children[0], rows * layout.array_size, head);
  } else {
    for (auto& child : layout.children) children_.emplace_back(child, rows, head);
  }
}

ExchangeColumnDecoder::Stream ExchangeColumnDecoder::TakeStream(Head& head, size_t expected_size) {
  Stream stream;
  stream.size = head.Number();
  stream.stored_size = head.Number();
  stream.stored = head.block.payload + head.stream_offset;
  size_t left = head.block.streams_bytes - head.stream_offset;
  if (stream.stored_size > left || stream.stored_size > stream.size ||
      (expected_size != SIZE_MAX && stream.size != expected_size)) {
    FailMalformed(head.block.path);
  }
  head.stream_offset += std::min(left, (stream.stored_size + 7) / 8 * 8);
  return stream;
}

void ExchangeColumnDecoder::Load(const Block& block, Stream& stream) {
  if (stream.stored_size == stream.size) {
    stream.owner = block.owner;
    return;
  }
  auto buffer = std::make_shared<ByteBuffer>();
  char* out = buffer->Grow(stream.size);
  if (!block.decompressor.Run(block.codec, stream.stored, stream.stored_size, out, stream.size)) {
    FailMalformed(block.path);
  }
  stream.stored = out;
  stream.stored_size = stream.size;
  stream.owner = std::move(buffer);
}

void ExchangeColumnDecoder::LoadAll(const Block& block) {
  if (loaded_) return;
  loaded_ = true;
  if (has_null_) Load(block, validity_);
  if (layout_.width > 0) Load(block, values_);
  if (layout_.shape == ExchangeShape::kString) Load(block, bytes_);
}

void ExchangeColumnDecoder::Decode(const Block& block, size_t count, duckdb::Vector& out,
                                   size_t offset) {
  if (count > rows_ - next_row_) FailMalformed(block.path);
  LoadAll(block);
  if (has_null_) DecodeValidity(count, out, offset);
  auto width = static_cast<size_t>(layout_.width);
  if (layout_.shape == ExchangeShape::kFixed) {
    auto* to = reinterpret_cast<char*>(duckdb::FlatVector::GetData(out)) + offset * width;
    const char* from = values_.stored + next_row_ * static_cast<size_t>(packing_.width);
    Unpack(from, count, packing_, layout_.width, to);
  } else if (layout_.shape == ExchangeShape::kString) {
    DecodeStrings(block, count, out, offset);
  } else if (layout_.shape == ExchangeShape::kList) {
    DecodeList(block, count, out, offset);
  } else if (layout_.shape == ExchangeShape::kArray) {
    children_[0].Decode(block, count * layout_.array_size, duckdb::ArrayVector::GetEntry(out),
                        offset * layout_.array_size);
  } else {
    auto& entries = duckdb::StructVector::GetEntries(out);
    for (size_t i = 0; i < children_.size(); ++i) {
      children_[i].Decode(block, count, *entries[i], offset);
    }
  }
  next_row_ += count;
}

void ExchangeColumnDecoder::DecodeValidity(size_t count, duckdb::Vector& out, size_t offset) {
  const char* bits = validity_.stored;
  auto& mask = duckdb::FlatVector::Validity(out);
  for (size_t i = 0; i < count; ++i) {
    size_t row = next_row_ + i;
    if (!(bits[row / 8] >> (row % 8) & 1)) mask.SetInvalid(offset + i);
  }
}

const uint32_t* ExchangeColumnDecoder::Lengths(size_t count) {
  lengths_.resize(count);
  const char* from = values_.stored + next_row_ * static_cast<size_t>(packing_.width);
  Unpack(from, count, packing_, sizeof(uint32_t), reinterpret_cast<char*>(lengths_.data()));
  return lengths_.data();
}

void ExchangeColumnDecoder::DecodeStrings(const Block& block, size_t count, duckdb::Vector& out,
                                          size_t offset) {
  const uint32_t* lengths = Lengths(count);
  auto* strings = duckdb::FlatVector::GetData<duckdb::string_t>(out) + offset;
  const char* next = bytes_.stored + next_byte_;
  const char* end = bytes_.stored + bytes_.size;
  bool any_long = false;
  for (size_t i = 0; i < count; ++i) {
    if (lengths[i] > static_cast<size_t>(end - next)) FailMalformed(block.path);
    strings[i] = duckdb::string_t(next, lengths[i]);
    any_long |= lengths[i] > duckdb::string_t::INLINE_LENGTH;
    next += lengths[i];
  }
  next_byte_ = static_cast<size_t>(next - bytes_.stored);
  if (any_long) {
    duckdb::StringVector::AddBuffer(out, duckdb::make_buffer<BlockBytes>(bytes_.owner));
  }
}

void ExchangeColumnDecoder::DecodeList(const Block& block, size_t count, duckdb::Vector& out,
                                       size_t offset) {
  const uint32_t* lengths = Lengths(count);
  auto* entries = duckdb::FlatVector::GetData<duckdb::list_entry_t>(out) + offset;
  size_t start = duckdb::ListVector::GetListSize(out);
  size_t end = start;
  for (size_t i = 0; i < count; ++i) {
    entries[i] = {end, lengths[i]};
    end += lengths[i];
  }
  duckdb::ListVector::Reserve(out, end);
  children_[0].Decode(block, end - start, duckdb::ListVector::GetEntry(out), start);
  duckdb::ListVector::SetListSize(out, end);
}

ExchangeBlockDecoder::ExchangeBlockDecoder(const std::vector<ExchangeLayout>& layouts,
                                           const std::string& path, ExchangeCodec codec,
                                           ExchangeDecompressor& decompressor,
                                           const ExchangeBlock& block)
    : block_{path, codec, decompressor, block.payload, 0, block.owner}, rows_left_(block.rows) {
  uint64_t head_start = 0;
  if (block.payload_bytes < sizeof(head_start)) FailMalformed(path);
  size_t head_end = block.payload_bytes - sizeof(head_start);
  std::memcpy(&head_start, block.payload + head_end, sizeof(head_start));
  if (head_start > head_end) FailMalformed(path);
  block_.streams_bytes = head_start;
  ExchangeColumnDecoder::Head head{block_, block.payload + head_start, block.payload + head_end};
  columns_.reserve(layouts.size());
  for (auto& layout : layouts) columns_.emplace_back(layout, block.rows, head);
}

void ExchangeBlockDecoder::Decode(const std::vector<size_t>& columns, size_t count,
                                  duckdb::DataChunk& out, size_t offset) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] >= columns_.size()) continue;
    columns_[columns[i]].Decode(block_, count, out.data[i], offset);
  }
  rows_left_ -= count;
}

}  // namespace smallpond
