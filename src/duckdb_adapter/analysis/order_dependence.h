#pragma once

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// How an aggregate's result depends on the order in which it meets its rows.
enum class OrderDependence {
  kNone,
  kRounding,  ///< Its last digits do: a sum of floating-point numbers.
  kValue,     ///< It is another value: list, first, arg_max where several rows have the maximum.
};

/// Tells it of an aggregate without an ORDER BY of its own. What is not known depends.
OrderDependence OrderDependenceOf(const duckdb::AggregateFunction& function);

/// Whether rows that an aggregate's own ORDER BY leaves side by side are the same to it.
bool HasTotalOrder(const duckdb::BoundAggregateExpression& aggregate);

/// Whether a window's results depend on how rows with equal partition and order keys are sorted:
/// row_number, lag, frames of rows; not rank, nor frames by the keys' values.
bool DependsOnTies(const duckdb::BoundWindowExpression& window);

/// Whether an aggregate goes by which of its values are equal, or which one is the least.
bool Compares(const duckdb::AggregateFunction& function);

/// Whether a type holds FLOAT or DOUBLE.
bool HasFloat(const duckdb::LogicalType& type);

/// Whether a type holds values that are equal and yet not the same: a month and 30 days, texts
/// under a collation. Which of them stands for all is any thread's choice. Zeros with another sign
/// are left out: nearly every job groups or compares floating-point numbers.
bool HasEqualForms(const duckdb::LogicalType& type);

}  // namespace smallpond
