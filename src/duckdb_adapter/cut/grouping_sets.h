#pragma once

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Whether an aggregate has one set of groups, that of all, and nobody asks for GROUPING().
bool HasPlainGroups(const duckdb::LogicalAggregate& aggregate);

/// Whether the number of a set, GROUPING() of all groups, is one that DuckDB can count to.
bool CanNumberSets(const duckdb::LogicalAggregate& aggregate);

/// Gives the parts of GROUPING SETS the sets of the whole, each once, told apart by GROUPING() of
/// all groups, which becomes the last grouping function: a NULL of a group is another one than that
/// of a set without it. Where there are no groups, all rows are one.
void NumberSets(duckdb::Binder& binder, const duckdb::LogicalAggregate& aggregate,
                duckdb::LogicalAggregate& partial);

/// Returns the merged rows of an aggregate's sets, those of a set that it has several times as
/// often, where it has one. `number` is the column with a row's set; not set: there are no groups.
duckdb::unique_ptr<duckdb::LogicalOperator> RepeatSets(
    duckdb::Binder& binder, const duckdb::LogicalAggregate& aggregate,
    duckdb::unique_ptr<duckdb::LogicalOperator> merged, duckdb::optional_idx number_column);

}  // namespace smallpond
