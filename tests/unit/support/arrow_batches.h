#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smallpond/arrow.h"

namespace smallpond {

/// Counts what an Arrow producer handed out and what came back. Each struct must come back once.
struct ArrowLedger {
  std::atomic<int> made{0};
  std::atomic<int> released{0};
  bool Settled() const { return made == released; }
};

/// Makes Arrow arrays by hand, also ones that libraries seldom make: with offsets, without counts
/// of NULLs, with dictionaries that differ from batch to batch. Each array begins with `pad`
/// elements that are not part of it.
class ArrowMaker {
 public:
  template <class T>
  using Cells = std::vector<std::optional<T>>;

  explicit ArrowMaker(ArrowLedger& ledger, int64_t pad = 0) : ledger_(ledger), pad_(pad) {}

  template <class T>
  ArrowArray Numbers(const Cells<T>& cells) {
    std::vector<T> values(static_cast<size_t>(pad_), T(77));
    for (const auto& cell : cells) values.push_back(cell.value_or(T(99)));
    return Make(cells.size(), {Validity(cells), Bytes(values)});
  }
  ArrowArray Bools(const Cells<bool>& cells) {
    std::vector<bool> bits(static_cast<size_t>(pad_), true);
    for (const auto& cell : cells) bits.push_back(cell.value_or(true));
    return Make(cells.size(), {Validity(cells), Bits(bits)});
  }
  ArrowArray Texts(const Cells<std::string>& cells) {
    std::string text = "junk";
    std::vector<int32_t> offsets(static_cast<size_t>(pad_), 0);
    offsets.push_back(4);
    for (const auto& cell : cells) {
      text += cell.value_or("");
      offsets.push_back(static_cast<int32_t>(text.size()));
    }
    return Make(cells.size(), {Validity(cells), Bytes(offsets), {text.begin(), text.end()}});
  }
  /// Lists of `lengths` elements each, taken from `elements` in turn; no length is NULL.
  ArrowArray Lists(const Cells<int32_t>& lengths, ArrowArray elements) {
    std::vector<int32_t> offsets(static_cast<size_t>(pad_ + 1), 0);
    for (const auto& length : lengths) offsets.push_back(offsets.back() + length.value_or(0));
    return Make(lengths.size(), {Validity(lengths), Bytes(offsets)}, {elements});
  }
  /// `pad` more elements than rows must stand in each child, at its front.
  ArrowArray Structs(const Cells<bool>& present, std::vector<ArrowArray> children) {
    return Make(present.size(), {Validity(present)}, std::move(children));
  }
  ArrowArray Dictionary(const Cells<int8_t>& indices, ArrowArray values) {
    ArrowArray array = Numbers(indices);
    auto* owned = static_cast<Owned*>(array.private_data);
    owned->dictionary = values;
    array.dictionary = &owned->dictionary;
    return array;
  }
  /// A record batch.
  ArrowArray Batch(int64_t rows, std::vector<ArrowArray> columns, int64_t offset = 0) {
    ArrowArray array = Make(static_cast<size_t>(rows), {{}}, std::move(columns));
    array.offset = offset;
    array.null_count = 0;
    return array;
  }

  /// Leaves the number of NULLs open, as the format allows.
  static ArrowArray WithoutCount(ArrowArray array) {
    array.null_count = -1;
    return array;
  }

  ArrowSchema Field(const std::string& format, const std::string& name,
                    std::vector<ArrowSchema> children = {},
                    std::optional<ArrowSchema> dictionary = {}) {
    auto owned = std::make_unique<OwnedSchema>();
    owned->ledger = &ledger_;
    owned->format = format;
    owned->name = name;
    owned->children = std::move(children);
    for (auto& child : owned->children) owned->child_pointers.push_back(&child);
    ArrowSchema schema{};
    schema.flags = ARROW_FLAG_NULLABLE;
    schema.n_children = static_cast<int64_t>(owned->children.size());
    schema.children = owned->child_pointers.data();
    if (dictionary) {
      owned->dictionary = *dictionary;
      schema.dictionary = &owned->dictionary;
    }
    schema.format = owned->format.c_str();
    schema.name = owned->name.c_str();
    schema.release = ReleaseSchema;
    schema.private_data = owned.release();
    ++ledger_.made;
    return schema;
  }

 private:
  using Buffer = std::vector<uint8_t>;

  struct Owned {
    ArrowLedger* ledger;
    std::vector<Buffer> buffers;
    std::vector<const void*> buffer_pointers;
    std::vector<ArrowArray> children;
    std::vector<ArrowArray*> child_pointers;
    ArrowArray dictionary{};
  };
  struct OwnedSchema {
    ArrowLedger* ledger;
    std::string format, name;
    std::vector<ArrowSchema> children;
    std::vector<ArrowSchema*> child_pointers;
    ArrowSchema dictionary{};
  };

  template <class T>
  static Buffer Bytes(const std::vector<T>& values) {
    Buffer buffer(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(buffer.data(), values.data(), buffer.size());
    return buffer;
  }
  static Buffer Bits(const std::vector<bool>& bits) {
    Buffer buffer(bits.size() / 8 + 1);
    for (size_t i = 0; i < bits.size(); ++i)
      buffer[i / 8] |= static_cast<uint8_t>(bits[i] << (i % 8));
    return buffer;
  }
  // No buffer where nothing is NULL. The padding is NULL, so that a wrong offset is seen.
  template <class T>
  Buffer Validity(const Cells<T>& cells) const {
    std::vector<bool> bits(static_cast<size_t>(pad_), false);
    bool has_null = false;
    for (const auto& cell : cells) {
      bits.push_back(cell.has_value());
      has_null = has_null || !cell;
    }
    return has_null ? Bits(bits) : Buffer();
  }

  ArrowArray Make(size_t length, std::vector<Buffer> buffers,
                  std::vector<ArrowArray> children = {}) {
    auto owned = std::make_unique<Owned>();
    owned->ledger = &ledger_;
    owned->buffers = std::move(buffers);
    for (size_t i = 0; i < owned->buffers.size(); ++i) {
      Buffer& buffer = owned->buffers[i];
      bool is_absent = i == 0 && buffer.empty();
      // The format asks for padding, and DuckDB reads a byte more than there are bits.
      buffer.resize((buffer.size() + 63) / 64 * 64);
      owned->buffer_pointers.push_back(is_absent ? nullptr : buffer.data());
    }
    owned->children = std::move(children);
    for (auto& child : owned->children) owned->child_pointers.push_back(&child);
    ArrowArray array{};
    array.length = static_cast<int64_t>(length);
    array.offset = pad_;
    array.null_count = owned->buffer_pointers[0] ? -1 : 0;
    array.n_buffers = static_cast<int64_t>(owned->buffers.size());
    array.buffers = owned->buffer_pointers.data();
    array.n_children = static_cast<int64_t>(owned->children.size());
    array.children = owned->child_pointers.data();
    array.release = ReleaseArray;
    array.private_data = owned.release();
    ++ledger_.made;
    return array;
  }

  static void ReleaseArray(ArrowArray* array) {
    std::unique_ptr<Owned> owned(static_cast<Owned*>(array->private_data));
    ++owned->ledger->released;
    for (auto& child : owned->children) {
      if (child.release) child.release(&child);
    }
    if (owned->dictionary.release) owned->dictionary.release(&owned->dictionary);
    array->release = nullptr;
  }
  static void ReleaseSchema(ArrowSchema* schema) {
    std::unique_ptr<OwnedSchema> owned(static_cast<OwnedSchema*>(schema->private_data));
    ++owned->ledger->released;
    for (auto& child : owned->children) {
      if (child.release) child.release(&child);
    }
    if (owned->dictionary.release) owned->dictionary.release(&owned->dictionary);
    schema->release = nullptr;
  }

  ArrowLedger& ledger_;
  int64_t pad_;
};

/// Hands out batches, then fails with `error` where it is not empty.
class BatchStream {
 public:
  BatchStream(ArrowLedger& ledger, ArrowSchema schema, std::vector<ArrowArray> batches,
              std::string error = "")
      : ledger_(ledger), schema_(schema), batches_(std::move(batches)), error_(std::move(error)) {}
  ~BatchStream() {
    if (schema_.release) schema_.release(&schema_);
    for (size_t i = next_; i < batches_.size(); ++i) batches_[i].release(&batches_[i]);
  }

  /// Moves everything to `out`, which owns it then.
  static void Open(std::unique_ptr<BatchStream> stream, ArrowArrayStream* out) {
    out->get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
      *schema = std::exchange(Of(self).schema_, ArrowSchema{});
      return schema->release ? 0 : EINVAL;
    };
    out->get_next = [](ArrowArrayStream* self, ArrowArray* array) {
      BatchStream& stream = Of(self);
      *array = ArrowArray{};
      if (stream.next_ < stream.batches_.size()) {
        *array = stream.batches_[stream.next_++];
      } else if (!stream.error_.empty()) {
        return EIO;
      }
      return 0;
    };
    out->get_last_error = [](ArrowArrayStream* self) -> const char* {
      return Of(self).error_.empty() || Of(self).error_ == "silent" ? nullptr
                                                                    : Of(self).error_.c_str();
    };
    out->release = [](ArrowArrayStream* self) {
      ++Of(self).ledger_.released;
      delete &Of(self);
      self->release = nullptr;
    };
    ++stream->ledger_.made;
    out->private_data = stream.release();
  }

 private:
  static BatchStream& Of(ArrowArrayStream* self) {
    return *static_cast<BatchStream*>(self->private_data);
  }

  ArrowLedger& ledger_;
  ArrowSchema schema_;
  std::vector<ArrowArray> batches_;
  size_t next_ = 0;
  std::string error_;
};

}  // namespace smallpond
