#pragma once

#include <map>

#include "duckdb_adapter/analysis/determinism.h"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Follows values whose last digits are not fixed through the expressions of a plan, and notes the
/// fragments whose values something exact was made of.
class InexactValues {
 public:
  void Set(const duckdb::ColumnBinding& column, FragmentSet inexact);
  FragmentSet Of(const duckdb::ColumnBinding& column) const;
  /// Of an expression's value. Makes a note of what is exact in it: a comparison, a text, a rounded
  /// number.
  FragmentSet Of(const duckdb::Expression& expression);
  FragmentSet OfAll(const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions);

  /// Notes that something depends on more than the first digits of these fragments' values, or on
  /// the rows that they chose.
  void Decide(const FragmentSet& fragments);
  const FragmentSet& decided() const { return decided_; }

 private:
  duckdb::column_binding_map_t<FragmentSet> columns_;
  FragmentSet decided_;
};

}  // namespace smallpond
