#pragma once

#include <cstddef>
#include <cstdint>

#include "base/byte_buffer.h"

namespace smallpond {

/// Integers stored as their distance from `base`, in `width` bytes each: 0 where all are equal.
struct IntegerPacking {
  int width = 0;
  uint64_t base = 0;
};

/// Finds the narrowest packing of `count` integers of `width` 2, 4 or 8 bytes, signed or not. A
/// result of the same width says that there is none.
IntegerPacking FindPacking(const char* values, size_t count, int width, bool is_signed);

/// Appends the values, packed.
void AppendPacked(const char* values, size_t count, int width, IntegerPacking packing,
                  ByteBuffer& out);

/// Writes `count` values of `width` bytes, the first at `packed`.
void Unpack(const char* packed, size_t count, IntegerPacking packing, int width, char* out);

}  // namespace smallpond
