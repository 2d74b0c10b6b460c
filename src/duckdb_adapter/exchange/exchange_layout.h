#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

// The payload of a block in an exchange file:
//
//   streams   arrays of bytes, each begins at a multiple of 8
//   head      what the streams are, column by column, in LEB128 numbers
//   end       u64: where the head begins
//
//   column = has NULLs (0 or 1), [validity stream], [packed width, [base], values stream],
//            [bytes stream], [number of elements], columns of its children
//   stream = size, stored size; fewer stored bytes say that it is compressed
//
// Values are fixed-width values or the lengths of strings and lists; a struct and an array have
// none. Only strings have bytes, only lists tell their number of elements. A base is there where
// values are packed into fewer bytes than they have.

/// How a type's values are laid out. By its physical type alone, so that every type is kept.
enum class ExchangeShape { kFixed, kString, kList, kArray, kStruct };

struct ExchangeLayout {
  explicit ExchangeLayout(const duckdb::LogicalType& type);

  duckdb::LogicalType type;
  ExchangeShape shape = ExchangeShape::kFixed;
  int width = 0;  ///< Bytes of a fixed value; 4 for a length.
  bool is_integer = false;
  bool is_signed = false;
  size_t array_size = 0;
  std::vector<ExchangeLayout> children;
};

/// A file's description: the names and types of its columns.
struct ExchangeDescription {
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  uint8_t codec = 0;

  std::string ToBytes() const;
  static ExchangeDescription FromBytes(const std::string& bytes);
};

}  // namespace smallpond
