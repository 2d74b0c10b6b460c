#include "duckdb_adapter/fragment/frozen_json.h"

#include "duckdb_adapter/serialized.h"
#include "json_multi_file_info.hpp"
#include "json_scan.hpp"

namespace smallpond {
namespace {

using Names = duckdb::vector<std::string>;

template <class Enum>
Enum ReadEnum(duckdb::Deserializer& deserializer, duckdb::field_id_t id, const char* name) {
  return static_cast<Enum>(deserializer.ReadProperty<uint8_t>(id, name));
}

}  // namespace

std::string FreezeJson(const duckdb::MultiFileBindData& scan) {
  const auto& json = scan.bind_data->Cast<duckdb::JSONScanData>();
  const auto& options = json.options;
  const auto& transform = json.transform_options;
  return ToBytes([&](duckdb::Serializer& serializer) {
    serializer.WriteProperty(100, "type", static_cast<uint8_t>(options.type));
    serializer.WriteProperty(101, "format", static_cast<uint8_t>(options.format));
    serializer.WriteProperty(102, "record_type", static_cast<uint8_t>(options.record_type));
    serializer.WriteProperty(103, "compression", static_cast<uint8_t>(options.compression));
    serializer.WriteProperty(104, "ignore_errors", options.ignore_errors);
    serializer.WriteProperty(105, "maximum_object_size",
                             static_cast<uint64_t>(options.maximum_object_size));
    serializer.WriteProperty(106, "auto_detect", options.auto_detect);
    serializer.WriteProperty(107, "date_format", options.date_format);
    serializer.WriteProperty(108, "timestamp_format", options.timestamp_format);
    serializer.WriteProperty(109, "key_names", json.key_names);
    serializer.WriteProperty(110, "strict_cast", transform.strict_cast);
    serializer.WriteProperty(111, "error_duplicate_key", transform.error_duplicate_key);
    serializer.WriteProperty(112, "error_missing_key", transform.error_missing_key);
    serializer.WriteProperty(113, "error_unknown_key", transform.error_unknown_key);
    serializer.WriteProperty(114, "delay_error", transform.delay_error);
  });
}

void ThawJson(const std::string& frozen, duckdb::ClientContext& context,
              duckdb::MultiFileBindData& scan) {
  auto json = duckdb::make_uniq<duckdb::JSONScanData>();
  auto& options = json->options;
  auto& transform = json->transform_options;
  FromBytes(frozen, [&](duckdb::Deserializer& in) {
    options.type = ReadEnum<duckdb::JSONScanType>(in, 100, "type");
    options.format = ReadEnum<duckdb::JSONFormat>(in, 101, "format");
    options.record_type = ReadEnum<duckdb::JSONRecordType>(in, 102, "record_type");
    options.compression = ReadEnum<duckdb::FileCompressionType>(in, 103, "compression");
    options.ignore_errors = in.ReadProperty<bool>(104, "ignore_errors");
    options.maximum_object_size = in.ReadProperty<uint64_t>(105, "maximum_object_size");
    options.auto_detect = in.ReadProperty<bool>(106, "auto_detect");
    options.date_format = in.ReadProperty<std::string>(107, "date_format");
    options.timestamp_format = in.ReadProperty<std::string>(108, "timestamp_format");
    json->key_names = in.ReadProperty<Names>(109, "key_names");
    transform.strict_cast = in.ReadProperty<bool>(110, "strict_cast");
    transform.error_duplicate_key = in.ReadProperty<bool>(111, "error_duplicate_key");
    transform.error_missing_key = in.ReadProperty<bool>(112, "error_missing_key");
    transform.error_unknown_key = in.ReadProperty<bool>(113, "error_unknown_key");
    transform.delay_error = in.ReadProperty<bool>(114, "delay_error");
  });
  json->InitializeFormats();  // They follow from the options.
  transform.date_format_map = json->date_format_map.get();
  scan.bind_data = std::move(json);
  scan.interface = duckdb::JSONMultiFileInfo::CreateInterface(context);
}

}  // namespace smallpond
