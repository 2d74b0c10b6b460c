#pragma once

#include <algorithm>
#include <vector>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// A value whose hash decides a row's task: all the plan's columns that hold it.
struct HashKey {
  std::vector<duckdb::ColumnBinding> bindings;
  duckdb::LogicalType type;

  bool Has(const duckdb::ColumnBinding& binding) const {
    return std::find(bindings.begin(), bindings.end(), binding) != bindings.end();
  }
};

/// Where an operator's rows are when its fragment runs.
struct Distribution {
  enum class Kind {
    kReplicated,  ///< Every task can compute all of them, from constants.
    kSingle,      ///< All in one task.
    kSpread,      ///< Each in exactly one of many tasks.
  };

  static Distribution Replicated() { return {Kind::kReplicated, {}}; }
  static Distribution Single() { return {Kind::kSingle, {}}; }
  static Distribution Spread(std::vector<HashKey> keys = {}) {
    return {Kind::kSpread, std::move(keys)};
  }

  bool is_spread() const { return kind == Kind::kSpread; }

  Kind kind = Kind::kSingle;
  /// Only where spread: rows with the same values of these, hashed in this order, are in one task.
  /// Empty: rows lie anywhere.
  std::vector<HashKey> keys;
};

/// Values of two inputs' rows that are to be equal, pair by pair.
struct Equalities {
  std::vector<duckdb::Expression*> left;
  std::vector<duckdb::Expression*> right;
};

/// Follows the keys through a projection; nothing is left where one of them is not among the
/// expressions.
std::vector<HashKey> ProjectKeys(
    const std::vector<HashKey>& keys, duckdb::idx_t table_index,
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions);

/// For each key the position of the expression that is this column, of the same type; empty where
/// one has none, or there are no keys.
std::vector<size_t> FindKeys(const std::vector<HashKey>& keys,
                             const std::vector<duckdb::Expression*>& expressions);

}  // namespace smallpond
