#include "duckdb_adapter/serialized.h"

#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"

namespace smallpond {

std::string ToBytes(const std::function<void(duckdb::Serializer&)>& write) {
  duckdb::MemoryStream stream;
  duckdb::SerializationOptions options;
  options.serialization_compatibility = duckdb::SerializationCompatibility::Latest();
  duckdb::BinarySerializer serializer(stream, std::move(options));
  serializer.Begin();
  write(serializer);
  serializer.End();
  return std::string(reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition());
}

void FromBytes(const std::string& bytes, const std::function<void(duckdb::Deserializer&)>& read) {
  // The stream only reads; its interface has no const.
  auto* data = reinterpret_cast<duckdb::data_ptr_t>(const_cast<char*>(bytes.data()));
  duckdb::MemoryStream stream(data, bytes.size());
  duckdb::BinaryDeserializer deserializer(stream);
  deserializer.Begin();
  read(deserializer);
  deserializer.End();
}

}  // namespace smallpond
