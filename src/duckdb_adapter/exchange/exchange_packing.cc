#include "duckdb_adapter/exchange/exchange_packing.h"

#include <algorithm>
#include <cstring>

namespace smallpond {
namespace {

template <class T>
IntegerPacking Find(const char* bytes, size_t count) {
  const T* values = reinterpret_cast<const T*>(bytes);
  T low = values[0];
  T high = values[0];
  for (size_t i = 1; i < count; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  int width = range == 0            ? 0
              : range <= 0xff       ? 1
              : range <= 0xffff     ? 2
              : range <= 0xffffffff ? 4
                                    : 8;
  return {std::min<int>(width, sizeof(T)), static_cast<uint64_t>(low)};
}

template <class Wide, class Narrow>
void PackAs(const char* values, size_t count, uint64_t base, char* out) {
  const auto* from = reinterpret_cast<const Wide*>(values);
  auto* to = reinterpret_cast<Narrow*>(out);
  auto start = static_cast<Wide>(base);
  for (size_t i = 0; i < count; ++i) {
    to[i] = static_cast<Narrow>(static_cast<Wide>(from[i] - start));
  }
}

template <class Wide, class Narrow>
void UnpackAs(const char* packed, size_t count, uint64_t base, char* out) {
  const auto* from = reinterpret_cast<const Narrow*>(packed);
  auto* to = reinterpret_cast<Wide*>(out);
  auto start = static_cast<Wide>(base);
  for (size_t i = 0; i < count; ++i) to[i] = static_cast<Wide>(start + from[i]);
}

template <class Wide>
void Pack(const char* values, size_t count, IntegerPacking packing, char* out) {
  if (packing.width == 1) PackAs<Wide, uint8_t>(values, count, packing.base, out);
  if (packing.width == 2) PackAs<Wide, uint16_t>(values, count, packing.base, out);
  if (packing.width == 4) PackAs<Wide, uint32_t>(values, count, packing.base, out);
}

template <class Wide>
void UnpackTo(const char* packed, size_t count, IntegerPacking packing, char* out) {
  if (packing.width == 0) {
    std::fill_n(reinterpret_cast<Wide*>(out), count, static_cast<Wide>(packing.base));
  }
  if (packing.width == 1) UnpackAs<Wide, uint8_t>(packed, count, packing.base, out);
  if (packing.width == 2) UnpackAs<Wide, uint16_t>(packed, count, packing.base, out);
  if (packing.width == 4) UnpackAs<Wide, uint32_t>(packed, count, packing.base, out);
}

}  // namespace

IntegerPacking FindPacking(const char* values, size_t count, int width, bool is_signed) {
  if (count > 0 && width == 2) {
    return is_signed ? Find<int16_t>(values, count) : Find<uint16_t>(values, count);
  }
  if (count > 0 && width == 4) {
    return is_signed ? Find<int32_t>(values, count) : Find<uint32_t>(values, count);
  }
  if (count > 0 && width == 8) {
    return is_signed ? Find<int64_t>(values, count) : Find<uint64_t>(values, count);
  }
  return {width, 0};
}

void AppendPacked(const char* values, size_t count, int width, IntegerPacking packing,
                  ByteBuffer& out) {
  if (count == 0) return;
  char* to = out.Grow(count * static_cast<size_t>(packing.width));
  if (packing.width == width) {
    std::memcpy(to, values, count * static_cast<size_t>(width));
  } else if (width == 2) {
    Pack<uint16_t>(values, count, packing, to);
  } else if (width == 4) {
    Pack<uint32_t>(values, count, packing, to);
  } else {
    Pack<uint64_t>(values, count, packing, to);
  }
}

void Unpack(const char* packed, size_t count, IntegerPacking packing, int width, char* out) {
  if (count == 0) return;
  if (packing.width == width) {
    std::memcpy(out, packed, count * static_cast<size_t>(width));
  } else if (width == 2) {
    UnpackTo<uint16_t>(packed, count, packing, out);
  } else if (width == 4) {
    UnpackTo<uint32_t>(packed, count, packing, out);
  } else {
    UnpackTo<uint64_t>(packed, count, packing, out);
  }
}

}  // namespace smallpond
