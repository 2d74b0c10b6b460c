#include "duckdb_adapter/fragment/aggregate_states.h"

#include <set>

#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/storage/arena_allocator.hpp"
#include "duckdb_adapter/errors.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

using duckdb::AggregateFunction;
using duckdb::AggregateInputData;
using duckdb::BoundAggregateExpression;
using duckdb::data_ptr_t;
using duckdb::idx_t;
using duckdb::Vector;

constexpr const char* kStateName = "smallpond_state";
constexpr const char* kCombineName = "smallpond_combine";
constexpr const char* kMergeName = "smallpond_merge";

// The wrapped aggregate, where the callbacks find it that see only the function.
struct WrappedInfo : duckdb::AggregateFunctionInfo {
  explicit WrappedInfo(AggregateFunction wrapped) : function(std::move(wrapped)) {}
  AggregateFunction function;
};

// The wrapped aggregate with its own bind data, where the others find it.
struct WrappedData : duckdb::FunctionData {
  explicit WrappedData(duckdb::unique_ptr<BoundAggregateExpression> wrapped)
      : aggregate(std::move(wrapped)) {}

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<WrappedData>(
        duckdb::unique_ptr_cast<duckdb::Expression, BoundAggregateExpression>(aggregate->Copy()));
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    return aggregate->Equals(*other.Cast<WrappedData>().aggregate);
  }

  duckdb::unique_ptr<BoundAggregateExpression> aggregate;
};

const AggregateFunction& Wrapped(const AggregateInputData& input) {
  return input.bind_data->Cast<WrappedData>().aggregate->function;
}

AggregateInputData WrappedInput(AggregateInputData& input) {
  return AggregateInputData(input.bind_data->Cast<WrappedData>().aggregate->bind_info.get(),
                            input.allocator, input.combine_type);
}

idx_t StateSize(const AggregateFunction& function) {
  const auto& wrapped = function.function_info->Cast<WrappedInfo>().function;
  return wrapped.state_size(wrapped);
}

void InitializeState(const AggregateFunction& function, data_ptr_t state) {
  const auto& wrapped = function.function_info->Cast<WrappedInfo>().function;
  wrapped.initialize(wrapped, state);
}

void CombineStates(Vector& source, Vector& target, AggregateInputData& input, idx_t count) {
  AggregateInputData inner = WrappedInput(input);
  Wrapped(input).combine(source, target, inner, count);
}

// --- smallpond_state

void UpdateState(Vector inputs[], AggregateInputData& input, idx_t input_count, Vector& states,
                 idx_t count) {
  AggregateInputData inner = WrappedInput(input);
  Wrapped(input).update(inputs, inner, input_count, states, count);
}

void UpdateOneState(Vector inputs[], AggregateInputData& input, idx_t input_count, data_ptr_t state,
                    idx_t count) {
  AggregateInputData inner = WrappedInput(input);
  Wrapped(input).simple_update(inputs, inner, input_count, state, count);
}

void DeliverState(Vector& states, AggregateInputData& input, Vector& result, idx_t count,
                  idx_t offset) {
  const AggregateFunction& wrapped = Wrapped(input);
  idx_t size = wrapped.state_size(wrapped);
  bool is_constant = states.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  if (is_constant) {
    result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    auto state = *duckdb::ConstantVector::GetData<data_ptr_t>(states);
    *duckdb::ConstantVector::GetData<duckdb::string_t>(result) =
        duckdb::StringVector::AddStringOrBlob(result, reinterpret_cast<char*>(state), size);
    return;
  }
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto pointers = duckdb::FlatVector::GetData<data_ptr_t>(states);
  auto out = duckdb::FlatVector::GetData<duckdb::string_t>(result);
  for (idx_t i = 0; i < count; ++i) {
    out[offset + i] =
        duckdb::StringVector::AddStringOrBlob(result, reinterpret_cast<char*>(pointers[i]), size);
  }
}

// --- smallpond_combine and smallpond_merge

// Combines a batch of delivered states into those that `targets` points to.
void CombineDelivered(Vector& delivered, AggregateInputData& input, Vector& targets, idx_t count) {
  const AggregateFunction& wrapped = Wrapped(input);
  idx_t size = wrapped.state_size(wrapped);
  duckdb::UnifiedVectorFormat blobs;
  delivered.ToUnifiedFormat(count, blobs);
  auto texts = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(blobs);
  // A combine wants states that are aligned, and as many as targets.
  idx_t stride = duckdb::AlignValue(size);
  auto copies = duckdb::make_unsafe_uniq_array_uninitialized<duckdb::data_t>(stride * count);
  Vector sources(duckdb::LogicalType::POINTER, count);
  auto pointers = duckdb::FlatVector::GetData<data_ptr_t>(sources);
  for (idx_t i = 0; i < count; ++i) {
    auto row = blobs.sel->get_index(i);
    pointers[i] = copies.get() + i * stride;
    if (!blobs.validity.RowIsValid(row)) {  // A group that a task had no rows of.
      wrapped.initialize(wrapped, pointers[i]);
      continue;
    }
    if (texts[row].GetSize() != size) {
      throw Error(ErrorKind::kInternal, "A state of " + wrapped.name + " has " +
                                            std::to_string(texts[row].GetSize()) +
                                            " bytes and not " + std::to_string(size) +
                                            ". Do all workers run the same smallpond?");
    }
    memcpy(pointers[i], texts[row].GetData(), size);
  }
  AggregateInputData inner = WrappedInput(input);
  wrapped.combine(sources, targets, inner, count);
}

void MergeStates(Vector inputs[], AggregateInputData& input, idx_t, Vector& states, idx_t count) {
  states.Flatten(count);
  CombineDelivered(inputs[0], input, states, count);
}

void MergeIntoOneState(Vector inputs[], AggregateInputData& input, idx_t, data_ptr_t state,
                       idx_t count) {
  Vector targets(duckdb::LogicalType::POINTER, count);
  auto pointers = duckdb::FlatVector::GetData<data_ptr_t>(targets);
  for (idx_t i = 0; i < count; ++i) pointers[i] = state;
  CombineDelivered(inputs[0], input, targets, count);
}

void FinalizeStates(Vector& states, AggregateInputData& input, Vector& result, idx_t count,
                    idx_t offset) {
  AggregateInputData inner = WrappedInput(input);
  Wrapped(input).finalize(states, inner, result, count, offset);
}

// --- binding and serialization

duckdb::unique_ptr<duckdb::FunctionData> RefuseToBindState(
    duckdb::ClientContext&, AggregateFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>&) {
  throw duckdb::InvalidInputException("%s is not for queries", function.name);
}

void SerializeWrapped(duckdb::Serializer& serializer,
                      const duckdb::optional_ptr<duckdb::FunctionData> bind_data,
                      const AggregateFunction&) {
  duckdb::unique_ptr<duckdb::Expression> wrapped = bind_data->Cast<WrappedData>().aggregate->Copy();
  serializer.WriteProperty(100, "aggregate", wrapped);
}

// Makes `function`, one of the wrappers, one of this aggregate.
void Wrap(AggregateFunction& function, const BoundAggregateExpression& aggregate) {
  function.function_info = duckdb::make_shared_ptr<WrappedInfo>(aggregate.function);
  if (function.name == kStateName && !aggregate.function.simple_update) {
    function.simple_update = nullptr;
  }
  if (function.name == kMergeName) function.SetReturnType(aggregate.return_type);
}

duckdb::unique_ptr<duckdb::FunctionData> DeserializeWrapped(duckdb::Deserializer& deserializer,
                                                            AggregateFunction& function) {
  auto expression =
      deserializer.ReadProperty<duckdb::unique_ptr<duckdb::Expression>>(100, "aggregate");
  auto aggregate =
      duckdb::unique_ptr_cast<duckdb::Expression, BoundAggregateExpression>(std::move(expression));
  Wrap(function, *aggregate);
  return duckdb::make_uniq<WrappedData>(std::move(aggregate));
}

AggregateFunction WrapperFunction(const char* name) {
  bool takes_rows = name == std::string(kStateName);
  bool delivers_state = name != std::string(kMergeName);
  AggregateFunction function(
      name, {}, delivers_state ? duckdb::LogicalType::BLOB : duckdb::LogicalType::ANY,
      kGuarded<StateSize>, kGuarded<InitializeState>,
      takes_rows ? kGuarded<UpdateState> : kGuarded<MergeStates>, kGuarded<CombineStates>,
      delivers_state ? kGuarded<DeliverState> : kGuarded<FinalizeStates>,
      duckdb::FunctionNullHandling::SPECIAL_HANDLING,
      takes_rows ? kGuarded<UpdateOneState> : kGuarded<MergeIntoOneState>,
      kGuarded<RefuseToBindState>);
  function.varargs = duckdb::LogicalType::ANY;
  function.serialize = kGuarded<SerializeWrapped>;
  function.deserialize = kGuarded<DeserializeWrapped>;
  function.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
  return function;
}

// The aggregate with constants for its arguments, whose values its state no longer needs.
duckdb::unique_ptr<BoundAggregateExpression> WithoutArguments(
    const BoundAggregateExpression& aggregate) {
  auto copy =
      duckdb::unique_ptr_cast<duckdb::Expression, BoundAggregateExpression>(aggregate.Copy());
  copy->filter = nullptr;
  for (auto& child : copy->children) {
    child = duckdb::make_uniq<duckdb::BoundConstantExpression>(duckdb::Value(child->return_type));
  }
  return copy;
}

duckdb::unique_ptr<duckdb::Expression> WrapperOf(
    const char* name, const BoundAggregateExpression& aggregate,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments,
    duckdb::unique_ptr<duckdb::Expression> filter) {
  AggregateFunction function = WrapperFunction(name);
  Wrap(function, aggregate);
  for (const auto& argument : arguments) function.arguments.push_back(argument->return_type);
  return duckdb::make_uniq<BoundAggregateExpression>(
      std::move(function), std::move(arguments), std::move(filter),
      duckdb::make_uniq<WrappedData>(WithoutArguments(aggregate)),
      duckdb::AggregateType::NON_DISTINCT);
}

}  // namespace

void RegisterAggregateStates(duckdb::DatabaseInstance& database) {
  duckdb::ExtensionLoader loader(database, "smallpond");
  loader.RegisterFunction(WrapperFunction(kStateName));
  loader.RegisterFunction(WrapperFunction(kCombineName));
  loader.RegisterFunction(WrapperFunction(kMergeName));
}

bool HasPlainState(const BoundAggregateExpression& aggregate) {
  // Sums, counts and moments. Each is tested over several tasks; states of others may own memory.
  static const std::set<std::string> plain = {
      "avg",        "mean",        "var_pop",    "var_samp",       "variance",  "stddev",
      "stddev_pop", "stddev_samp", "sem",        "corr",           "covar_pop", "covar_samp",
      "regr_avgx",  "regr_avgy",   "regr_count", "regr_intercept", "regr_r2",   "regr_slope",
      "regr_sxx",   "regr_sxy",    "regr_syy",   "skewness",       "kurtosis",  "kurtosis_pop",
      "product"};
  const auto& function = aggregate.function;
  return plain.count(function.name) > 0 && !function.destructor && function.combine &&
         function.update && function.finalize;
}

duckdb::unique_ptr<duckdb::Expression> StateOf(const BoundAggregateExpression& aggregate) {
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments;
  for (const auto& child : aggregate.children) arguments.push_back(child->Copy());
  return WrapperOf(kStateName, aggregate, std::move(arguments),
                   aggregate.filter ? aggregate.filter->Copy() : nullptr);
}

duckdb::unique_ptr<duckdb::Expression> MergeOf(const BoundAggregateExpression& aggregate,
                                               duckdb::unique_ptr<duckdb::Expression> states) {
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments;
  arguments.push_back(std::move(states));
  return WrapperOf(kMergeName, aggregate, std::move(arguments), nullptr);
}

bool IsOfStates(const BoundAggregateExpression& aggregate) {
  const std::string& name = aggregate.function.name;
  return name == kStateName || name == kCombineName || name == kMergeName;
}

duckdb::unique_ptr<duckdb::Expression> PartOfStates(const BoundAggregateExpression& aggregate) {
  if (aggregate.function.name != kMergeName) return aggregate.Copy();
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> states;
  states.push_back(aggregate.children[0]->Copy());
  return WrapperOf(kCombineName, *aggregate.bind_info->Cast<WrappedData>().aggregate,
                   std::move(states), nullptr);
}

duckdb::unique_ptr<duckdb::Expression> MergeOfStates(
    const BoundAggregateExpression& aggregate, duckdb::unique_ptr<duckdb::Expression> states) {
  const char* name = aggregate.function.name == kMergeName ? kMergeName : kCombineName;
  duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> arguments;
  arguments.push_back(std::move(states));
  return WrapperOf(name, *aggregate.bind_info->Cast<WrappedData>().aggregate, std::move(arguments),
                   nullptr);
}

std::optional<std::string> DescribeState(const BoundAggregateExpression& aggregate,
                                         const std::string& arguments) {
  if (!IsOfStates(aggregate)) return std::nullopt;
  const std::string& name = aggregate.function.name;
  const auto& wrapped = aggregate.bind_info->Cast<WrappedData>().aggregate->function.name;
  if (name == kMergeName) return wrapped + " of " + arguments;
  return "state of " + wrapped + (name == kStateName ? "(" + arguments + ")" : " of " + arguments);
}

}  // namespace smallpond
