#include "duckdb_adapter/exchange/exchange_layout.h"

#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"

namespace smallpond {
namespace {

using duckdb::PhysicalType;

void SetShapeOfNested(ExchangeLayout& layout, PhysicalType physical) {
  if (physical == PhysicalType::LIST) {
    layout.shape = ExchangeShape::kList;
    layout.width = 4;
    layout.children.emplace_back(duckdb::ListType::GetChildType(layout.type));
  } else if (physical == PhysicalType::ARRAY) {
    layout.shape = ExchangeShape::kArray;
    layout.array_size = duckdb::ArrayType::GetSize(layout.type);
    layout.children.emplace_back(duckdb::ArrayType::GetChildType(layout.type));
  } else if (physical == PhysicalType::STRUCT) {
    layout.shape = ExchangeShape::kStruct;
    for (auto& child : duckdb::StructType::GetChildTypes(layout.type)) {
      layout.children.emplace_back(child.second);
    }
  } else {
    throw duckdb::NotImplementedException("Type %s can't be kept in an exchange file.",
                                          layout.type.ToString());
  }
}

}  // namespace

ExchangeLayout::ExchangeLayout(const duckdb::LogicalType& of_type) : type(of_type) {
  auto physical = type.InternalType();
  if (duckdb::TypeIsConstantSize(physical)) {
    width = static_cast<int>(duckdb::GetTypeIdSize(physical));
    is_signed = physical == PhysicalType::INT16 || physical == PhysicalType::INT32 ||
                physical == PhysicalType::INT64;
    is_integer = is_signed || physical == PhysicalType::UINT16 ||
                 physical == PhysicalType::UINT32 || physical == PhysicalType::UINT64;
  } else if (physical == PhysicalType::VARCHAR) {
    shape = ExchangeShape::kString;
    width = 4;
  } else {
    SetShapeOfNested(*this, physical);
  }
}

std::string ExchangeDescription::ToBytes() const {
  duckdb::SerializationOptions options;
  options.serialization_compatibility = duckdb::SerializationCompatibility::Latest();
  duckdb::MemoryStream stream;
  duckdb::BinarySerializer serializer(stream, options);
  serializer.Begin();
  serializer.WriteProperty(100, "names", names);
  serializer.WriteProperty(101, "types", types);
  serializer.WriteProperty(102, "codec", codec);
  serializer.End();
  return {reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition()};
}

ExchangeDescription ExchangeDescription::FromBytes(const std::string& bytes) {
  // The stream only reads.
  auto* data = reinterpret_cast<duckdb::data_ptr_t>(const_cast<char*>(bytes.data()));
  duckdb::MemoryStream stream(data, bytes.size());
  duckdb::BinaryDeserializer deserializer(stream);
  ExchangeDescription description;
  deserializer.Begin();
  deserializer.ReadProperty(100, "names", description.names);
  deserializer.ReadProperty(101, "types", description.types);
  deserializer.ReadProperty(102, "codec", description.codec);
  deserializer.End();
  return description;
}

}  // namespace smallpond
