#pragma once

#include <memory>
#include <string>
#include <vector>

#include "smallpond/column.h"

namespace smallpond {

/// Names and DuckDB types of a query's columns. A value; the types are shared and never change.
class Schema {
 public:
  struct Types;  // duckdb_adapter/schema_types.h

  Schema() = default;
  Schema(std::vector<std::string> names, std::shared_ptr<const Types> types);

  const std::vector<Column>& columns() const { return columns_; }
  const Types& types() const { return *types_; }
  /// Returns the position of the column that SQL would find under `name` (letter case is ignored),
  /// or -1.
  int Find(const std::string& name) const;

 private:
  std::vector<Column> columns_;
  std::shared_ptr<const Types> types_;  // Shared by copies.
};

}  // namespace smallpond
