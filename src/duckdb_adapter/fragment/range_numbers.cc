#include "duckdb_adapter/fragment/range_numbers.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "duckdb/function/function_binder.hpp"
#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "exchange/exchange_output.h"

namespace smallpond {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::string_t;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;
using ExpressionPtr = duckdb::unique_ptr<duckdb::Expression>;

/// Of a sample. With 2,000 partitions there are 8 keys for each.
constexpr size_t kMostKeys = 16'384;
/// Of a key. Longer ones that begin alike come into one range.
constexpr size_t kMostKeyBytes = 256;

std::string_view Shortened(const string_t& key) {
  return {key.GetData(), std::min<size_t>(key.GetSize(), kMostKeyBytes)};
}

// The keys of one row's list.
struct KeyList {
  const string_t* keys = nullptr;
  size_t size = 0;
};

class KeyLists {
 public:
  KeyLists(Vector& lists, idx_t count) {
    lists.ToUnifiedFormat(count, lists_);
    auto& keys = duckdb::ListVector::GetEntry(lists);
    keys.Flatten(duckdb::ListVector::GetListSize(lists));
    keys_ = duckdb::FlatVector::GetData<string_t>(keys);
  }

  KeyList Of(idx_t row) const {
    auto position = lists_.sel->get_index(row);
    if (!lists_.validity.RowIsValid(position)) return {};
    auto entry = UnifiedVectorFormat::GetData<duckdb::list_entry_t>(lists_)[position];
    return {keys_ + entry.offset, entry.length};
  }

 private:
  UnifiedVectorFormat lists_;
  const string_t* keys_ = nullptr;
};

void Shorten(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](const string_t& key) {
        std::string_view part = Shortened(key);
        return duckdb::StringVector::AddStringOrBlob(result, part.data(), part.size());
      });
}

void Sample(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  KeyLists lists(arguments.data[0], arguments.size());
  for (idx_t row = 0; row < arguments.size(); ++row) {
    KeyList list = lists.Of(row);
    std::vector<std::string_view> keys;
    keys.reserve(list.size);
    for (size_t i = 0; i < list.size; ++i)
      keys.push_back({list.keys[i].GetData(), list.keys[i].GetSize()});
    std::sort(keys.begin(), keys.end());
    size_t kept = std::min(keys.size(), kMostKeys);
    duckdb::vector<duckdb::Value> values;
    for (size_t i = 0; i < kept; ++i) {
      std::string_view key = keys[i * keys.size() / kept];
      values.push_back(
          duckdb::Value::BLOB(reinterpret_cast<duckdb::const_data_ptr_t>(key.data()), key.size()));
    }
    result.SetValue(row, duckdb::Value::LIST(LogicalType::BLOB, std::move(values)));
  }
}

// Hashes of all columns of a chunk from the third on, computed where one is asked for.
class RowHashes {
 public:
  explicit RowHashes(duckdb::DataChunk& arguments) : arguments_(arguments) {}

  uint64_t Of(idx_t row) {
    if (!hashes_) {
      hashes_.emplace(LogicalType::HASH);
      duckdb::VectorOperations::Hash(arguments_.data[2], *hashes_, arguments_.size());
      for (idx_t i = 3; i < arguments_.ColumnCount(); ++i) {
        duckdb::VectorOperations::CombineHash(*hashes_, arguments_.data[i], arguments_.size());
      }
      hashes_->Flatten(arguments_.size());
    }
    return duckdb::FlatVector::GetData<duckdb::hash_t>(*hashes_)[row];
  }

 private:
  duckdb::DataChunk& arguments_;
  std::optional<Vector> hashes_;
};

void NumberRanges(duckdb::DataChunk& arguments, duckdb::ExpressionState&, Vector& result) {
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* numbers = duckdb::FlatVector::GetData<uint16_t>(result);
  UnifiedVectorFormat keys;
  arguments.data[0].ToUnifiedFormat(arguments.size(), keys);
  KeyLists samples(arguments.data[1], arguments.size());
  RowHashes hashes(arguments);
  auto is_less = [](const string_t& one, std::string_view other) {
    return std::string_view(one.GetData(), one.GetSize()) < other;
  };
  for (idx_t row = 0; row < arguments.size(); ++row) {
    const string_t& full = UnifiedVectorFormat::GetData<string_t>(keys)[keys.sel->get_index(row)];
    std::string_view key = Shortened(full);
    KeyList sample = samples.Of(row);
    const string_t* end = sample.keys + sample.size;
    const string_t* first = std::lower_bound(sample.keys, end, key, is_less);
    auto rank = static_cast<uint64_t>(first - sample.keys);
    auto is_key = [&](const string_t& one) {
      return std::string_view(one.GetData(), one.GetSize()) == key;
    };
    if (first != end && is_key(*first) && full.GetSize() <= kMostKeyBytes &&
        arguments.ColumnCount() > 2) {
      const string_t* last = std::partition_point(first, end, is_key);
      rank += hashes.Of(row) % static_cast<uint64_t>(last - first + 1);
    }
    numbers[row] = static_cast<uint16_t>(rank * kRangeNumbers / (sample.size + 1));
  }
}

duckdb::ScalarFunction ShortKeyFunction() {
  return duckdb::ScalarFunction("smallpond_short_key", {LogicalType::BLOB}, LogicalType::BLOB,
                                kGuarded<Shorten>);
}

duckdb::ScalarFunction SampleFunction() {
  duckdb::ScalarFunction function("smallpond_sample", {LogicalType::LIST(LogicalType::BLOB)},
                                  LogicalType::LIST(LogicalType::BLOB), kGuarded<Sample>);
  function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  return function;
}

duckdb::ScalarFunction RangeFunction() {
  duckdb::ScalarFunction function("smallpond_range",
                                  {LogicalType::BLOB, LogicalType::LIST(LogicalType::BLOB)},
                                  LogicalType::USMALLINT, kGuarded<NumberRanges>);
  function.varargs = LogicalType::ANY;
  function.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  return function;
}

}  // namespace

void RegisterRangeNumbers(duckdb::DatabaseInstance& database) {
  duckdb::ExtensionLoader loader(database, "smallpond");
  loader.RegisterFunction(ShortKeyFunction());
  loader.RegisterFunction(SampleFunction());
  loader.RegisterFunction(RangeFunction());
}

// Of keys that fit DuckDB would make a number, but for the text at the end.
ExpressionPtr SortKey(duckdb::ClientContext& context,
                      const duckdb::vector<duckdb::BoundOrderByNode>& orders) {
  duckdb::vector<ExpressionPtr> arguments;
  for (const auto& order : orders) {
    bool is_descending = order.type == duckdb::OrderType::DESCENDING;
    bool nulls_first = order.null_order == duckdb::OrderByNullType::NULLS_FIRST;
    arguments.push_back(order.expression->Copy());
    arguments.push_back(Constant(std::string(is_descending ? "DESC" : "ASC") +
                                 (nulls_first ? " NULLS FIRST" : " NULLS LAST")));
  }
  arguments.push_back(Constant(""));
  arguments.push_back(Constant("ASC NULLS LAST"));
  return CallSystemFunction(context, "create_sort_key", std::move(arguments));
}

ExpressionPtr ShortKey(duckdb::ClientContext& context, ExpressionPtr key) {
  duckdb::vector<ExpressionPtr> arguments;
  arguments.push_back(std::move(key));
  return duckdb::FunctionBinder(context).BindScalarFunction(ShortKeyFunction(),
                                                            std::move(arguments));
}

ExpressionPtr SampleOf(duckdb::ClientContext& context, ExpressionPtr keys) {
  duckdb::vector<ExpressionPtr> arguments;
  arguments.push_back(std::move(keys));
  return duckdb::FunctionBinder(context).BindScalarFunction(SampleFunction(), std::move(arguments));
}

ExpressionPtr RangeNumber(duckdb::ClientContext& context, ExpressionPtr key, ExpressionPtr sample,
                          duckdb::vector<ExpressionPtr> columns) {
  duckdb::vector<ExpressionPtr> arguments;
  arguments.push_back(std::move(key));
  arguments.push_back(std::move(sample));
  for (auto& column : columns) arguments.push_back(std::move(column));
  return duckdb::FunctionBinder(context).BindScalarFunction(RangeFunction(), std::move(arguments));
}

}  // namespace smallpond
