#pragma once

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Updates states of a wrapped aggregate with rows of its arguments, which are behind the first
/// input: how often a row counts; 0 or less: not at all.
void UpdateRepeated(duckdb::Vector inputs[], duckdb::AggregateInputData& input,
                    duckdb::idx_t input_count, duckdb::Vector& states, duckdb::idx_t count);

/// Updates one state so.
void UpdateOneRepeated(duckdb::Vector inputs[], duckdb::AggregateInputData& input,
                       duckdb::idx_t input_count, duckdb::data_ptr_t state, duckdb::idx_t count);

}  // namespace smallpond
