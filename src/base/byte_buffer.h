#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace smallpond {

/// Bytes that grow at the end. Unlike std::vector it leaves new bytes as they are, which is what
/// somebody wants who writes them next. Aligned for every type. Not thread-safe.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~ByteBuffer() { std::free(data_); }

  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

  /// Adds `count` bytes of no particular value and returns the first. Moves earlier bytes. Throws
  /// std::bad_alloc.
  char* Grow(size_t count) {
    Reserve(size_ + count);
    size_ += count;
    return data_ + size_ - count;
  }
  void Append(const void* bytes, size_t count) {
    if (count > 0) std::memcpy(Grow(count), bytes, count);
  }
  /// Adds zeros until the size is a multiple of `alignment`.
  void PadTo(size_t alignment) {
    size_t rest = size_ % alignment;
    if (rest > 0) std::memset(Grow(alignment - rest), 0, alignment - rest);
  }
  /// Drops the bytes behind the first `size`; keeps the memory.
  void Shrink(size_t size) { size_ = std::min(size_, size); }

 private:
  void Reserve(size_t size) {
    if (size <= capacity_) return;
    size_t capacity = std::max({size, capacity_ + capacity_ / 2, size_t{64}});
    auto* data = static_cast<char*>(std::realloc(data_, capacity));
    if (!data) throw std::bad_alloc();
    data_ = data;
    capacity_ = capacity;
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace smallpond
