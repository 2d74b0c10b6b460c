#pragma once

#include <string>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

// What cutting puts into a plan beside what DuckDB planned.

/// Returns a reference to a column of an operator below.
duckdb::unique_ptr<duckdb::Expression> ColumnRef(const duckdb::LogicalType& type,
                                                 duckdb::ColumnBinding column);

duckdb::unique_ptr<duckdb::Expression> Constant(duckdb::Value value);

/// Returns a call of DuckDB's own function of this name, which no macro can be in the place of.
duckdb::unique_ptr<duckdb::Expression> CallSystemFunction(
    duckdb::ClientContext& context, const std::string& name,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments);

/// Returns references to all columns of `op`, whose types are resolved.
duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> ColumnRefs(duckdb::LogicalOperator& op);

/// Returns a projection of `rows`, with their estimate and its types resolved, as columns of
/// `table_index`, or of a new one.
duckdb::unique_ptr<duckdb::LogicalOperator> Project(
    duckdb::idx_t table_index, duckdb::unique_ptr<duckdb::LogicalOperator> rows,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> outputs);
duckdb::unique_ptr<duckdb::LogicalOperator> Project(
    duckdb::Binder& binder, duckdb::unique_ptr<duckdb::LogicalOperator> rows,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> outputs);

/// Returns all columns of `op`, whose types are resolved, as those of `table_index`. `names` gets
/// "c0", "c1" and so on.
duckdb::unique_ptr<duckdb::LogicalOperator> NumberColumns(
    duckdb::unique_ptr<duckdb::LogicalOperator> op, duckdb::idx_t table_index,
    duckdb::vector<std::string>& names);

/// Returns the plan below a mark at which physical planning sets the connection's
/// `enable_optimizer` to `value`. DuckDB goes by that also after the optimizer, for windows that
/// stream.
duckdb::unique_ptr<duckdb::LogicalOperator> PlannedWithOptimizer(
    duckdb::unique_ptr<duckdb::LogicalOperator> plan, bool value);

duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> Copies(
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions);

/// Copies expressions over the columns of one table for another that has the same columns.
duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> CopiesOver(
    duckdb::idx_t table_index,
    const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& expressions);

/// Returns an aggregate by all of `groups`, or over all rows where there are none. Its child is
/// still missing; its table indexes are new ones.
duckdb::unique_ptr<duckdb::LogicalAggregate> NewAggregate(
    duckdb::Binder& binder, duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> groups,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> aggregates);

/// Returns the rows with the number of each behind it, a BIGINT from 1 on.
duckdb::unique_ptr<duckdb::LogicalOperator> NumberRows(
    duckdb::Binder& binder, duckdb::unique_ptr<duckdb::LogicalOperator> rows);

/// Gives `to` the estimate of rows that `from` has, if it has one.
void KeepEstimate(const duckdb::LogicalOperator& from, duckdb::LogicalOperator& to);

}  // namespace smallpond
