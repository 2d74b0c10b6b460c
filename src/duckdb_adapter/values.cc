#include "duckdb_adapter/values.h"

#include <cstdio>

#include "smallpond/error.h"

namespace smallpond {
namespace {

// The type that all elements fit in, as DuckDB's own list constructor would choose it.
duckdb::LogicalType CommonType(const duckdb::vector<duckdb::Value>& values) {
  duckdb::LogicalType type = duckdb::LogicalType::SQLNULL;
  for (const auto& value : values)
    type = duckdb::LogicalType::ForceMaxLogicalType(type, value.type());
  return type;
}

// Without a connection, DuckDB reads names of types, but for DECIMAL's width and scale.
duckdb::LogicalType TypeOf(const std::string& text) {
  unsigned width = 0, scale = 0;
  char last = 0;
  if (std::sscanf(text.c_str(), "DECIMAL(%u,%u%c", &width, &scale, &last) == 3 && last == ')' &&
      width <= duckdb::DecimalType::MaxWidth() && scale <= width) {
    return duckdb::LogicalType::DECIMAL(static_cast<uint8_t>(width), static_cast<uint8_t>(scale));
  }
  try {
    return duckdb::DBConfig::ParseLogicalType(text);
  } catch (const std::exception&) {
    throw Error(ErrorKind::kInvalidInput,
                "'" + text +
                    "' is no type of a parameter. Give a type such as BIGINT, "
                    "DECIMAL(18,2), DATE or VARCHAR[].");
  }
}

}  // namespace

duckdb::Value ToDuckDB(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return duckdb::Value();
    case Value::Kind::kBool:
      return duckdb::Value::BOOLEAN(value.bool_value());
    case Value::Kind::kInt64:
      // DuckDB types a literal INTEGER where it fits; a parameter in its place must not change the
      // result's type.
      if (value.int64_value() >= INT32_MIN && value.int64_value() <= INT32_MAX) {
        return duckdb::Value::INTEGER(static_cast<int32_t>(value.int64_value()));
      }
      return duckdb::Value::BIGINT(value.int64_value());
    case Value::Kind::kDouble:
      return duckdb::Value::DOUBLE(value.double_value());
    case Value::Kind::kString:
      return duckdb::Value(value.text());
    case Value::Kind::kBlob:
      return duckdb::Value::BLOB(duckdb::const_data_ptr_cast(value.text().data()),
                                 value.text().size());
    case Value::Kind::kTyped:
      return duckdb::Value(value.text()).DefaultCastAs(TypeOf(value.type()), true);
    case Value::Kind::kList: {
      duckdb::vector<duckdb::Value> elements;
      for (const auto& element : value.elements()) elements.push_back(ToDuckDB(element));
      auto type = CommonType(elements);
      return duckdb::Value::LIST(type, std::move(elements));
    }
    case Value::Kind::kStruct: {
      if (value.names().empty()) {
        throw Error(ErrorKind::kInvalidInput,
                    "A parameter is a struct without fields, which SQL has no type for. Give at "
                    "least one field, or NULL.");
      }
      duckdb::child_list_t<duckdb::Value> fields;
      for (size_t i = 0; i < value.names().size(); ++i) {
        fields.emplace_back(value.names()[i], ToDuckDB(value.elements()[i]));
      }
      return duckdb::Value::STRUCT(std::move(fields));
    }
  }
  return duckdb::Value();
}

}  // namespace smallpond
