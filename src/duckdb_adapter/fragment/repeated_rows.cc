#include "duckdb_adapter/fragment/repeated_rows.h"

#include <algorithm>

#include "duckdb_adapter/fragment/wrapped_aggregate.h"

namespace smallpond {
namespace {

using duckdb::AggregateInputData;
using duckdb::ConstantVector;
using duckdb::idx_t;
using duckdb::Vector;

// The rows of one batch of counted rows, and the states that they are for.
class RepeatedRows {
 public:
  RepeatedRows(Vector inputs[], AggregateInputData& input, idx_t input_count, Vector& states,
               idx_t count)
      : inputs_(inputs),
        function_(Wrapped(input)),
        inner_(WrappedInput(input)),
        input_count_(input_count),
        states_(states),
        count_(count),
        rows_(STANDARD_VECTOR_SIZE) {}

  void Add(idx_t row, idx_t times) {
    if (times >= STANDARD_VECTOR_SIZE) times = AddFullVectors(row, times);
    while (times > 0) {
      idx_t more = std::min(times, STANDARD_VECTOR_SIZE - size_);
      for (idx_t i = 0; i < more; ++i) rows_.set_index(size_ + i, row);
      size_ += more;
      times -= more;
      if (size_ == STANDARD_VECTOR_SIZE) Flush();
    }
  }

  void Flush() {
    if (size_ == 0) return;
    Vector targets(states_, rows_, size_);
    duckdb::vector<Vector> arguments;
    for (idx_t i = 1; i < input_count_; ++i) arguments.emplace_back(inputs_[i], rows_, size_);
    Update(targets, arguments, size_);
    size_ = 0;
  }

 private:
  // Adds a row as a constant, which some states count without looking at each. Returns how often
  // it is left to add.
  idx_t AddFullVectors(idx_t row, idx_t times) {
    Vector target(states_.GetType());
    ConstantVector::Reference(target, states_, row, count_);
    duckdb::vector<Vector> arguments;
    for (idx_t i = 1; i < input_count_; ++i) {
      arguments.emplace_back(inputs_[i].GetType());
      ConstantVector::Reference(arguments.back(), inputs_[i], row, count_);
    }
    for (; times >= STANDARD_VECTOR_SIZE; times -= STANDARD_VECTOR_SIZE) {
      Update(target, arguments, STANDARD_VECTOR_SIZE);
    }
    return times;
  }

  void Update(Vector& targets, duckdb::vector<Vector>& arguments, idx_t size) {
    function_.update(arguments.data(), inner_, arguments.size(), targets, size);
  }

  Vector* const inputs_;
  const duckdb::AggregateFunction& function_;
  AggregateInputData inner_;
  const idx_t input_count_;
  Vector& states_;
  const idx_t count_;
  duckdb::SelectionVector rows_;
  idx_t size_ = 0;
};

}  // namespace

void UpdateRepeated(Vector inputs[], AggregateInputData& input, idx_t input_count, Vector& states,
                    idx_t count) {
  duckdb::UnifiedVectorFormat format;
  inputs[0].ToUnifiedFormat(count, format);
  auto counts = duckdb::UnifiedVectorFormat::GetData<int64_t>(format);
  RepeatedRows rows(inputs, input, input_count, states, count);
  for (idx_t row = 0; row < count; ++row) {
    int64_t times = counts[format.sel->get_index(row)];
    if (times > 0) rows.Add(row, static_cast<idx_t>(times));
  }
  rows.Flush();
}

void UpdateOneRepeated(Vector inputs[], AggregateInputData& input, idx_t input_count,
                       duckdb::data_ptr_t state, idx_t count) {
  Vector states(duckdb::Value::POINTER(duckdb::CastPointerToValue(state)));
  UpdateRepeated(inputs, input, input_count, states, count);
}

}  // namespace smallpond
