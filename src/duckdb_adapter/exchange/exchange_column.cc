#include "duckdb_adapter/exchange/exchange_column.h"

#include "duckdb_adapter/exchange/exchange_packing.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

using duckdb::UnifiedVectorFormat;

struct Bytes16 {
  uint64_t words[2];
};

template <class T>
void CopyValues(const UnifiedVectorFormat& format, size_t count, char* out) {
  // By width alone, whatever the type.
  const T* from = reinterpret_cast<const T*>(format.data);
  T* to = reinterpret_cast<T*>(out);
  if (!format.sel->data() && format.validity.AllValid()) {
    std::memcpy(to, from, count * sizeof(T));
    return;
  }
  if (format.validity.AllValid()) {
    for (size_t i = 0; i < count; ++i) to[i] = from[format.sel->get_index(i)];
    return;
  }
  // A NULL's value takes part in packing; its neighbour's value does not spoil that.
  T last{};
  for (size_t i = 0; i < count; ++i) {
    auto row = format.sel->get_index(i);
    if (format.validity.RowIsValid(row)) last = from[row];
    to[i] = last;
  }
}

template <class T>
void Scatter(const char* values, const RowTargets& targets, char* out) {
  const T* from = reinterpret_cast<const T*>(values);
  T* to = reinterpret_cast<T*>(out);
  for (size_t i = 0; i < targets.size(); ++i) to[targets[i]] = from[i];
}

ByteBuffer ScatterBuffer(const ByteBuffer& values, int width, const RowTargets& targets) {
  ByteBuffer grouped;
  char* out = grouped.Grow(values.size());
  if (width == 1) Scatter<uint8_t>(values.data(), targets, out);
  if (width == 2) Scatter<uint16_t>(values.data(), targets, out);
  if (width == 4) Scatter<uint32_t>(values.data(), targets, out);
  if (width == 8) Scatter<uint64_t>(values.data(), targets, out);
  if (width == 16) Scatter<Bytes16>(values.data(), targets, out);
  return grouped;
}

void AppendStream(const char* bytes, size_t size, ExchangeBlockOutput& out) {
  size_t stored = out.compressor.Append(bytes, size, out.streams);
  out.streams.PadTo(8);
  AppendVarint(size, out.head);
  AppendVarint(stored, out.head);
}

}  // namespace

void AppendVarint(uint64_t number, ByteBuffer& out) {
  while (number >= 0x80) {
    *out.Grow(1) = static_cast<char>(number | 0x80);
    number >>= 7;
  }
  *out.Grow(1) = static_cast<char>(number);
}

ExchangeColumn::ExchangeColumn(ExchangeLayout layout) : layout_(std::move(layout)) {
  for (auto& child : layout_.children) children_.emplace_back(child);
}

size_t ExchangeColumn::bytes() const {
  size_t total = validity_.size() + values_.size() + bytes_.size();
  for (auto& child : children_) total += child.bytes();
  return total;
}

void ExchangeColumn::Clear() {
  rows_ = encoded_rows_ = encoded_bytes_ = 0;
  has_null_ = false;
  validity_.Shrink(0);
  values_.Shrink(0);
  bytes_.Shrink(0);
  for (auto& child : children_) child.Clear();
}

void ExchangeColumn::Append(duckdb::Vector& vector, size_t count) {
  if (children_.empty()) {
    AppendFlat(vector, count);
    return;
  }
  // A copy is flat, and its lists hold nothing but what its rows refer to, in their order.
  duckdb::Vector flat(layout_.type, count);
  duckdb::VectorOperations::Copy(vector, flat, count, 0, 0);
  AppendFlat(flat, count);
}

void ExchangeColumn::AppendFlat(duckdb::Vector& vector, size_t count) {
  if (count == 0) return;  // Elements of empty lists.
  UnifiedVectorFormat format;
  vector.ToUnifiedFormat(count, format);
  AppendValidity(format, count);
  if (layout_.shape == ExchangeShape::kFixed) {
    AppendFixed(format, count);
  } else if (layout_.shape == ExchangeShape::kString) {
    AppendStrings(format, count);
  } else {
    AppendNested(vector, count);
  }
  rows_ += count;
}

void ExchangeColumn::AppendValidity(const UnifiedVectorFormat& format, size_t count) {
  bool all_valid = format.validity.AllValid();
  if (all_valid && !has_null_) return;
  if (!has_null_) {
    if (rows_ > 0) std::memset(validity_.Grow(rows_), 1, rows_);
    has_null_ = true;
  }
  char* out = validity_.Grow(count);
  for (size_t i = 0; i < count; ++i) {
    out[i] = all_valid || format.validity.RowIsValid(format.sel->get_index(i));
  }
}

void ExchangeColumn::AppendFixed(const UnifiedVectorFormat& format, size_t count) {
  char* out = values_.Grow(count * static_cast<size_t>(layout_.width));
  switch (layout_.width) {
    case 1:
      return CopyValues<uint8_t>(format, count, out);
    case 2:
      return CopyValues<uint16_t>(format, count, out);
    case 4:
      return CopyValues<uint32_t>(format, count, out);
    case 8:
      return CopyValues<uint64_t>(format, count, out);
    case 16:
      return CopyValues<Bytes16>(format, count, out);
    default:
      throw Error(ErrorKind::kInternal, "Type " + layout_.type.ToString() + " has values of " +
                                            std::to_string(layout_.width) + " bytes.");
  }
}

void ExchangeColumn::AppendStrings(const UnifiedVectorFormat& format, size_t count) {
  const auto* strings = UnifiedVectorFormat::GetData<duckdb::string_t>(format);
  auto* lengths = reinterpret_cast<uint32_t*>(values_.Grow(count * sizeof(uint32_t)));
  size_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    auto row = format.sel->get_index(i);
    lengths[i] =
        format.validity.RowIsValid(row) ? static_cast<uint32_t>(strings[row].GetSize()) : 0;
    total += lengths[i];
  }
  char* out = bytes_.Grow(total);
  for (size_t i = 0; i < count; ++i) {
    if (lengths[i] == 0) continue;
    std::memcpy(out, strings[format.sel->get_index(i)].GetData(), lengths[i]);
    out += lengths[i];
  }
}

void ExchangeColumn::AppendNested(duckdb::Vector& flat, size_t count) {
  if (layout_.shape == ExchangeShape::kStruct) {
    auto& entries = duckdb::StructVector::GetEntries(flat);
    for (size_t i = 0; i < children_.size(); ++i) children_[i].AppendFlat(*entries[i], count);
    return;
  }
  if (layout_.shape == ExchangeShape::kArray) {
    children_[0].AppendFlat(duckdb::ArrayVector::GetEntry(flat), count * layout_.array_size);
    return;
  }
  const auto* entries = duckdb::FlatVector::GetData<duckdb::list_entry_t>(flat);
  auto& validity = duckdb::FlatVector::Validity(flat);
  auto* lengths = reinterpret_cast<uint32_t*>(values_.Grow(count * sizeof(uint32_t)));
  for (size_t i = 0; i < count; ++i) {
    auto length = validity.RowIsValid(i) ? entries[i].length : 0;
    if (length > std::numeric_limits<uint32_t>::max()) {
      throw duckdb::NotImplementedException("A list of %llu elements is too long to exchange.",
                                            length);
    }
    lengths[i] = static_cast<uint32_t>(length);
  }
  children_[0].AppendFlat(duckdb::ListVector::GetEntry(flat),
                          duckdb::ListVector::GetListSize(flat));
}

void ExchangeColumn::Group(const RowTargets& targets) {
  if (has_null_) validity_ = ScatterBuffer(validity_, 1, targets);
  if (layout_.shape == ExchangeShape::kFixed) {
    values_ = ScatterBuffer(values_, layout_.width, targets);
  } else if (layout_.shape == ExchangeShape::kString) {
    GroupStrings(targets);
  } else {
    GroupChildren(targets);
  }
}

void ExchangeColumn::GroupStrings(const RowTargets& targets) {
  auto grouped = ScatterBuffer(values_, 4, targets);
  const auto* grouped_lengths = reinterpret_cast<const uint32_t*>(grouped.data());
  std::vector<uint64_t> starts(rows_);
  uint64_t start = 0;
  for (size_t i = 0; i < rows_; ++i) {
    starts[i] = start;
    start += grouped_lengths[i];
  }
  ByteBuffer bytes;
  char* out = bytes.Grow(bytes_.size());
  const char* from = bytes_.data();
  for (size_t i = 0; i < rows_; ++i) {
    if (lengths()[i] == 0) continue;
    std::memcpy(out + starts[targets[i]], from, lengths()[i]);
    from += lengths()[i];
  }
  values_ = std::move(grouped);
  bytes_ = std::move(bytes);
}

void ExchangeColumn::GroupChildren(const RowTargets& targets) {
  if (layout_.shape == ExchangeShape::kStruct) {
    for (auto& child : children_) child.Group(targets);
    return;
  }
  RowTargets child_targets;
  child_targets.reserve(children_[0].rows_);
  if (layout_.shape == ExchangeShape::kArray) {
    for (size_t i = 0; i < rows_; ++i) {
      for (size_t k = 0; k < layout_.array_size; ++k) {
        child_targets.push_back(static_cast<uint32_t>(targets[i] * layout_.array_size + k));
      }
    }
    children_[0].Group(child_targets);
    return;
  }
  auto grouped = ScatterBuffer(values_, 4, targets);
  const auto* grouped_lengths = reinterpret_cast<const uint32_t*>(grouped.data());
  RowTargets starts(rows_);
  uint32_t start = 0;
  for (size_t i = 0; i < rows_; ++i) {
    starts[i] = start;
    start += grouped_lengths[i];
  }
  for (size_t i = 0; i < rows_; ++i) {
    for (uint32_t k = 0; k < lengths()[i]; ++k) child_targets.push_back(starts[targets[i]] + k);
  }
  values_ = std::move(grouped);
  children_[0].Group(child_targets);
}

void ExchangeColumn::EncodeValidity(size_t count, ExchangeBlockOutput& out) {
  const char* valid = validity_.data() + encoded_rows_;
  size_t bytes = (count + 63) / 64 * 8;
  out.scratch.Shrink(0);
  char* bits = out.scratch.Grow(bytes);
  std::memset(bits, 0, bytes);
  for (size_t i = 0; i < count; ++i) bits[i / 8] |= static_cast<char>(valid[i] << (i % 8));
  AppendStream(bits, bytes, out);
}

void ExchangeColumn::EncodeValues(size_t count, ExchangeBlockOutput& out) {
  auto width = static_cast<size_t>(layout_.width);
  const char* values = values_.data() + encoded_rows_ * width;
  bool is_length = layout_.shape != ExchangeShape::kFixed;
  IntegerPacking packing{layout_.width, 0};
  if (layout_.is_integer || is_length) {
    packing = FindPacking(values, count, layout_.width, layout_.is_signed);
  }
  AppendVarint(static_cast<uint64_t>(packing.width), out.head);
  if (packing.width == layout_.width) {
    AppendStream(values, count * width, out);
    return;
  }
  AppendVarint(packing.base, out.head);
  out.scratch.Shrink(0);
  AppendPacked(values, count, layout_.width, packing, out.scratch);
  AppendStream(out.scratch.data(), out.scratch.size(), out);
}

void ExchangeColumn::Encode(size_t count, ExchangeBlockOutput& out) {
  bool any_null = has_null_ && std::memchr(validity_.data() + encoded_rows_, 0, count) != nullptr;
  *out.head.Grow(1) = any_null ? 1 : 0;
  if (any_null) EncodeValidity(count, out);
  if (layout_.width > 0) EncodeValues(count, out);
  size_t elements = 0;
  if (layout_.shape == ExchangeShape::kString || layout_.shape == ExchangeShape::kList) {
    for (size_t i = 0; i < count; ++i) elements += lengths()[encoded_rows_ + i];
  }
  encoded_rows_ += count;
  if (layout_.shape == ExchangeShape::kString) {
    AppendStream(bytes_.data() + encoded_bytes_, elements, out);
    encoded_bytes_ += elements;
  } else if (layout_.shape == ExchangeShape::kList) {
    AppendVarint(elements, out.head);
    children_[0].Encode(elements, out);
  } else if (layout_.shape == ExchangeShape::kArray) {
    children_[0].Encode(count * layout_.array_size, out);
  } else {
    for (auto& child : children_) child.Encode(count, out);
  }
}

}  // namespace smallpond
