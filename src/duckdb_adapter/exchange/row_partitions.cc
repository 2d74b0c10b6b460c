#include "duckdb_adapter/exchange/row_partitions.h"

namespace smallpond {
namespace {

using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;

template <class T>
void ReadPartitions(const UnifiedVectorFormat& format, size_t count, PartitionFunction function,
                    uint32_t num_partitions, uint32_t* out) {
  const T* values = UnifiedVectorFormat::GetData<T>(format);
  for (size_t i = 0; i < count; ++i) {
    auto row = format.sel->get_index(i);
    if (!format.validity.RowIsValid(row)) {
      throw duckdb::InvalidInputException("A row's partition number is NULL.");
    }
    // A negative number becomes a large one.
    auto number = static_cast<uint64_t>(values[row]);
    if (function == PartitionFunction::kModulo) number %= num_partitions;
    if (function == PartitionFunction::kRange) number = number * num_partitions / kRangeNumbers;
    if (number >= num_partitions) {
      throw duckdb::InvalidInputException("Partition number %s is out of range: there are %d.",
                                          std::to_string(values[row]), num_partitions);
    }
    out[i] = static_cast<uint32_t>(number);
  }
}

void ReadNumbers(duckdb::Vector& vector, size_t count, PartitionFunction function,
                 uint32_t num_partitions, uint32_t* out) {
  UnifiedVectorFormat format;
  vector.ToUnifiedFormat(count, format);
  switch (vector.GetType().InternalType()) {
    case PhysicalType::INT8:
      ReadPartitions<int8_t>(format, count, function, num_partitions, out);
      break;
    case PhysicalType::INT16:
      ReadPartitions<int16_t>(format, count, function, num_partitions, out);
      break;
    case PhysicalType::INT32:
      ReadPartitions<int32_t>(format, count, function, num_partitions, out);
      break;
    case PhysicalType::INT64:
      ReadPartitions<int64_t>(format, count, function, num_partitions, out);
      break;
    case PhysicalType::UINT8:
      ReadPartitions<uint8_t>(format, count, function, num_partitions, out);
      break;
    case PhysicalType::UINT16:
      ReadPartitions<uint16_t>(format, count, function, num_partitions, out);
      break;
    case PhysicalType::UINT32:
      ReadPartitions<uint32_t>(format, count, function, num_partitions, out);
      break;
    default:
      ReadPartitions<uint64_t>(format, count, function, num_partitions, out);
  }
}

// The values of SQL's hash(key, …).
void HashKeys(duckdb::DataChunk& chunk, size_t first_key, uint32_t num_partitions, uint32_t* out) {
  size_t count = chunk.size();
  duckdb::Vector hashes(duckdb::LogicalType::HASH);
  duckdb::VectorOperations::Hash(chunk.data[first_key], hashes, count);
  for (size_t i = first_key + 1; i < chunk.ColumnCount(); ++i) {
    duckdb::VectorOperations::CombineHash(hashes, chunk.data[i], count);
  }
  UnifiedVectorFormat format;
  hashes.ToUnifiedFormat(count, format);
  const auto* values = UnifiedVectorFormat::GetData<duckdb::hash_t>(format);
  for (size_t i = 0; i < count; ++i) {
    out[i] = static_cast<uint32_t>(values[format.sel->get_index(i)] % num_partitions);
  }
}

}  // namespace

void AppendRowPartitions(duckdb::DataChunk& chunk, size_t first_key, PartitionFunction function,
                         uint32_t num_partitions, std::vector<uint32_t>& partitions) {
  size_t start = partitions.size();
  partitions.resize(start + chunk.size());
  uint32_t* out = partitions.data() + start;
  switch (function) {
    case PartitionFunction::kNumber:
    case PartitionFunction::kModulo:
    case PartitionFunction::kRange:
      return ReadNumbers(chunk.data[first_key], chunk.size(), function, num_partitions, out);
    case PartitionFunction::kHash:
      return HashKeys(chunk, first_key, num_partitions, out);
  }
}

}  // namespace smallpond
