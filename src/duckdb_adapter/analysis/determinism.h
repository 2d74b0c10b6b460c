#pragma once

#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Fragments of a query, by number.
using FragmentSet = std::set<int>;

/// What those who read a fragment's rows need to know about them.
struct OutputFacts {
  /// By column: the fragments of which another run may give it other last digits. Empty: exact.
  std::vector<FragmentSet> inexact;
  /// The fragments of which another run may give the rows another order. Not set: any run may.
  std::optional<FragmentSet> order;
  /// Columns of which no two rows have the same values; none: not known.
  std::vector<size_t> unique;
};

/// What is deterministic of a query.
struct Determinism {
  /// The fragments of which another run may give other rows, where somebody would notice: all rows
  /// but for the last digits of floating-point numbers that nothing decides by.
  FragmentSet nondeterministic;
  OutputFacts output;
};

/// Finds out whether two runs of a fragment over the same input give the same rows. They need not
/// where a function is volatile, where something goes by an order that is not fixed (LIMIT, lists,
/// windows with ties: several threads aggregate and sort), and where something exact is made of a
/// floating-point sum, whose last digits depend on the order of the rows: a key, a condition, a
/// limit, a text. In that case it is the fragment that computes the sum that counts as
/// nondeterministic: what decides by the sum gives the same for the same input.
///
///     fragment 0: sum(x) GROUP BY k     nondeterministic, because fragment 1 …
///     fragment 1: … WHERE sum > 100     deterministic
///
/// `fragment` is the plan's own number. `facts_of` tells it what is known of a scan's rows: those
/// of another fragment, or null for any other scan, whose rows come as they stand. `keeps_order` is
/// whether the session keeps the order of rows at all.
Determinism FindDeterminism(
    duckdb::LogicalOperator& plan, int fragment,
    const std::function<std::optional<OutputFacts>(const duckdb::LogicalOperator&)>& facts_of,
    bool keeps_order);

}  // namespace smallpond
