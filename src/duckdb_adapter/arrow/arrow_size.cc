#include "duckdb_adapter/arrow/arrow_size.h"

#include <cstdlib>
#include <string>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {
namespace {

// Bytes of a value of a type with fixed width; 0 for other types. The letters are those of the
// Arrow C data interface.
uint64_t FixedWidth(const std::string& format) {
  if (format.size() == 1) {
    switch (format[0]) {
      case 'b':
      case 'c':
      case 'C':
        return 1;
      case 's':
      case 'S':
      case 'e':
        return 2;
      case 'i':
      case 'I':
      case 'f':
        return 4;
      case 'l':
      case 'L':
      case 'g':
        return 8;
      default:
        return 0;
    }
  }
  if (format.starts_with("d:") || format == "tin") return 16;
  if (format.starts_with("w:")) return std::strtoull(format.c_str() + 2, nullptr, 10);
  return format[0] == 't' ? 8 : 0;
}

template <class Offset>
uint64_t VariableBytes(const ArrowArray& array) {
  const auto* offsets = static_cast<const Offset*>(array.buffers[1]);
  if (!offsets) return 0;
  return static_cast<uint64_t>(offsets[array.offset + array.length] - offsets[array.offset]) +
         sizeof(Offset) * static_cast<uint64_t>(array.length);
}

}  // namespace

std::optional<uint64_t> ArrowBytes(const ArrowSchema& schema, const ArrowArray& array) {
  std::string format = schema.format;
  auto rows = static_cast<uint64_t>(array.length);
  uint64_t bytes = rows / 8;
  if (format == "n") return bytes;
  if (uint64_t width = FixedWidth(format)) {
    bytes += rows * width;
  } else if (format == "u" || format == "z") {
    bytes += VariableBytes<int32_t>(array);
  } else if (format == "U" || format == "Z") {
    bytes += VariableBytes<int64_t>(array);
  } else if (format[0] == '+') {
    bytes += rows * sizeof(int64_t);
  } else {
    return std::nullopt;
  }
  for (int64_t i = 0; i < schema.n_children; ++i) {
    auto child = ArrowBytes(*schema.children[i], *array.children[i]);
    if (!child) return std::nullopt;
    bytes += *child;
  }
  if (schema.dictionary) {
    auto dictionary = ArrowBytes(*schema.dictionary, *array.dictionary);
    if (!dictionary) return std::nullopt;
    bytes += *dictionary;
  }
  return bytes;
}

}  // namespace smallpond
