#include "duckdb_adapter/fragment/aggregate_states.h"

#include <set>

#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/storage/arena_allocator.hpp"
#include "duckdb_adapter/analysis/order_dependence.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/fragment/repeated_rows.h"
#include "duckdb_adapter/fragment/wrapped_aggregate.h"
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
constexpr const char* kRepeatName = "smallpond_repeat";

idx_t StateSize(const AggregateFunction& function) {
  const auto& wrapped = function.function_info->Cast<WrappedInfo>().function;
  return wrapped.state_size(wrapped);
}

void InitializeState(const AggregateFunction& function, data_ptr_t state) {
  const auto& wrapped = function.function_info->Cast<WrappedInfo>().function;
  memset(state, 0, wrapped.state_size(wrapped));  // Kahan's sums leave some of it as it is.
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
      memset(pointers[i], 0, size);
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

// --- the result

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
  if (function.name == kMergeName || function.name == kRepeatName) {
    function.SetReturnType(aggregate.return_type);
  }
  if (function.name != kRepeatName) return;  // Its updates are in repeated_rows.
  // The aggregate's own: when states go, the bind data that tells it is gone.
  function.destructor = aggregate.function.destructor;
  bool has_order = OrderDependenceOf(aggregate.function) != OrderDependence::kNone;
  function.SetOrderDependent(has_order ? duckdb::AggregateOrderDependent::ORDER_DEPENDENT
                                       : duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
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

// What the wrappers are: what they take and give, and how.
struct Callbacks {
  duckdb::LogicalTypeId result;
  duckdb::aggregate_update_t update;
  duckdb::aggregate_simple_update_t simple_update;
  duckdb::aggregate_finalize_t finalize;
};

Callbacks CallbacksOf(const std::string& name) {
  using duckdb::LogicalTypeId;
  if (name == kStateName) {
    return {LogicalTypeId::BLOB, kGuarded<UpdateState>, kGuarded<UpdateOneState>,
            kGuarded<DeliverState>};
  }
  if (name == kRepeatName) {
    return {LogicalTypeId::ANY, kGuarded<UpdateRepeated>, kGuarded<UpdateOneRepeated>,
            kGuarded<FinalizeStates>};
  }
  bool delivers_state = name == kCombineName;
  return {delivers_state ? LogicalTypeId::BLOB : LogicalTypeId::ANY, kGuarded<MergeStates>,
          kGuarded<MergeIntoOneState>,
          delivers_state ? kGuarded<DeliverState> : kGuarded<FinalizeStates>};
}

AggregateFunction WrapperFunction(const char* name) {
  Callbacks callbacks = CallbacksOf(name);
  AggregateFunction function(name, {}, callbacks.result, kGuarded<StateSize>,
                             kGuarded<InitializeState>, callbacks.update, kGuarded<CombineStates>,
                             callbacks.finalize, duckdb::FunctionNullHandling::SPECIAL_HANDLING,
                             callbacks.simple_update, kGuarded<RefuseToBindState>);
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
  loader.RegisterFunction(WrapperFunction(kRepeatName));
}

bool HasPlainState(const BoundAggregateExpression& aggregate) {
  // Sums, counts, moments and the registers of a sketch. Each is tested over several tasks; states
  // of others may own memory.
  static const std::set<std::string> plain = {"avg",        "mean",
                                              "var_pop",    "var_samp",
                                              "variance",   "stddev",
                                              "stddev_pop", "stddev_samp",
                                              "sem",        "corr",
                                              "covar_pop",  "covar_samp",
                                              "regr_avgx",  "regr_avgy",
                                              "regr_count", "regr_intercept",
                                              "regr_r2",    "regr_slope",
                                              "regr_sxx",   "regr_sxy",
                                              "regr_syy",   "skewness",
                                              "kurtosis",   "kurtosis_pop",
                                              "product",    "fsum",
                                              "sumkahan",   "kahan_sum",
                                              "favg",       "approx_count_distinct"};
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

duckdb::unique_ptr<duckdb::Expression> Repeated(
    const BoundAggregateExpression& aggregate, duckdb::unique_ptr<duckdb::Expression> count,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>> row) {
  row.insert(row.begin(), std::move(count));
  return WrapperOf(kRepeatName, aggregate, std::move(row), nullptr);
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
  const std::string& name = aggregate.function.name;
  if (!IsOfStates(aggregate) && name != kRepeatName) return std::nullopt;
  const auto& wrapped = aggregate.bind_info->Cast<WrappedData>().aggregate->function.name;
  if (name == kMergeName || name == kRepeatName) return wrapped + " of " + arguments;
  return "state of " + wrapped + (name == kStateName ? "(" + arguments + ")" : " of " + arguments);
}

}  // namespace smallpond
