#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "smallpond/api.h"

namespace smallpond {

/// One typed constant for `params=`. It is bound as a value and never becomes a part of the query's
/// text.
class SMALLPOND_API Value {
 public:
  enum class Kind { kNull, kBool, kInt64, kDouble, kString, kBlob, kTyped, kList, kStruct };

  Value() = default;                                             ///< NULL
  Value(bool value) : kind_(Kind::kBool), int64_(value) {}       // NOLINT: literals convert
  Value(int value) : kind_(Kind::kInt64), int64_(value) {}       // NOLINT
  Value(int64_t value) : kind_(Kind::kInt64), int64_(value) {}   // NOLINT
  Value(double value) : kind_(Kind::kDouble), double_(value) {}  // NOLINT
  Value(std::string value) : kind_(Kind::kString), text_(std::move(value)) {}  // NOLINT
  Value(const char* value) : kind_(Kind::kString), text_(value) {}             // NOLINT

  /// Bytes; any content.
  static Value Blob(std::string bytes);
  /// A value of any DuckDB type from its text, for example Typed("2026-01-31", "DATE"). An
  /// unreadable text is an error when the query is bound.
  static Value Typed(std::string text, std::string type);
  static Value List(std::vector<Value> elements);
  static Value Struct(std::vector<std::pair<std::string, Value>> fields);

  Kind kind() const { return kind_; }
  bool bool_value() const { return int64_ != 0; }
  int64_t int64_value() const { return int64_; }
  double double_value() const { return double_; }
  /// The string, the bytes, or a typed value's text.
  const std::string& text() const { return text_; }
  const std::string& type() const { return type_; }
  /// Elements of a list; of a struct, the fields' values in the order of names().
  const std::vector<Value>& elements() const { return elements_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  Kind kind_ = Kind::kNull;
  int64_t int64_ = 0;
  double double_ = 0;
  std::string text_;
  std::string type_;
  std::vector<Value> elements_;
  std::vector<std::string> names_;
};

}  // namespace smallpond
