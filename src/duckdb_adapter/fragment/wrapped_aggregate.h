#pragma once

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// The aggregate of which another one is a wrapper, where the callbacks find it that see only the
/// function.
struct WrappedInfo : duckdb::AggregateFunctionInfo {
  explicit WrappedInfo(duckdb::AggregateFunction wrapped) : function(std::move(wrapped)) {}
  duckdb::AggregateFunction function;
};

/// The wrapped aggregate with its own bind data, where the others find it.
struct WrappedData : duckdb::FunctionData {
  explicit WrappedData(duckdb::unique_ptr<duckdb::BoundAggregateExpression> wrapped)
      : aggregate(std::move(wrapped)) {}

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<WrappedData>(
        duckdb::unique_ptr_cast<duckdb::Expression, duckdb::BoundAggregateExpression>(
            aggregate->Copy()));
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    return aggregate->Equals(*other.Cast<WrappedData>().aggregate);
  }

  duckdb::unique_ptr<duckdb::BoundAggregateExpression> aggregate;
};

inline const duckdb::AggregateFunction& Wrapped(const duckdb::AggregateInputData& input) {
  return input.bind_data->Cast<WrappedData>().aggregate->function;
}

/// What the callbacks of the wrapped aggregate get in the place of the wrapper's.
inline duckdb::AggregateInputData WrappedInput(duckdb::AggregateInputData& input) {
  return duckdb::AggregateInputData(input.bind_data->Cast<WrappedData>().aggregate->bind_info.get(),
                                    input.allocator, input.combine_type);
}

}  // namespace smallpond
