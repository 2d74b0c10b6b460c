#pragma once

#include <optional>
#include <string>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Aggregates that hand over another aggregate's state as it is, so that its exact result can be
/// computed from states of several tasks (avg as sum / count would be one unit in the last place
/// off in a quarter of the groups):
///
///     smallpond_state(x)     updates the state of f with x   → the state's bytes
///     smallpond_combine(s)   combines states                 → the state's bytes
///     smallpond_merge(s)     combines states                 → f's result
///
/// and one that computes it from values and how often each is there:
///
///     smallpond_repeat(n, x)   updates the state of f with x, n times   → f's result
///
/// The wrapped aggregate travels in the wrapper's bind data. Registered on every database that
/// plans or runs fragments.
void RegisterAggregateStates(duckdb::DatabaseInstance& database);

/// Whether a state is plain bytes that mean the same in another process.
bool HasPlainState(const duckdb::BoundAggregateExpression& aggregate);

/// Returns the aggregate that delivers the state of `aggregate` as a BLOB.
duckdb::unique_ptr<duckdb::Expression> StateOf(const duckdb::BoundAggregateExpression& aggregate);

/// Returns the aggregate that gives the result of `aggregate` from a column of its states.
duckdb::unique_ptr<duckdb::Expression> MergeOf(const duckdb::BoundAggregateExpression& aggregate,
                                               duckdb::unique_ptr<duckdb::Expression> states);

/// Returns the aggregate that gives the result of `aggregate` from rows of its arguments, each of
/// which counts as often as `count` says; 0 or less: not at all.
duckdb::unique_ptr<duckdb::Expression> Repeated(
    const duckdb::BoundAggregateExpression& aggregate, duckdb::unique_ptr<duckdb::Expression> count,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> row);

/// Whether it is one of the first three.
bool IsOfStates(const duckdb::BoundAggregateExpression& aggregate);

/// Of one of the three: returns the aggregate that delivers a state for a part of its rows.
duckdb::unique_ptr<duckdb::Expression> PartOfStates(
    const duckdb::BoundAggregateExpression& aggregate);

/// Of one of the three: returns the aggregate that gives its result from a column of the states of
/// its parts.
duckdb::unique_ptr<duckdb::Expression> MergeOfStates(
    const duckdb::BoundAggregateExpression& aggregate,
    duckdb::unique_ptr<duckdb::Expression> states);

/// Says what one of these aggregates does with its arguments, such as "state of avg(x)";
/// nothing where `aggregate` is none.
std::optional<std::string> DescribeState(const duckdb::BoundAggregateExpression& aggregate,
                                         const std::string& arguments);

}  // namespace smallpond
