#include "duckdb_adapter/fragment/frozen_csv.h"

#include <map>

#include "duckdb/execution/operator/csv_scanner/csv_multi_file_info.hpp"
#include "duckdb/function/table/read_csv.hpp"
#include "duckdb_adapter/serialized.h"

namespace smallpond {
namespace {

using duckdb::Deserializer;
using duckdb::Serializer;
using Names = duckdb::vector<std::string>;
using Types = duckdb::vector<duckdb::LogicalType>;

// DuckDB's own form of the options leaves out some that a reader looks at.
void WriteOptions(Serializer& serializer, const duckdb::CSVReaderOptions& options) {
  Names keys;
  Names values;
  for (const auto& [key, value] : options.user_defined_parameters) {
    keys.push_back(key);
    values.push_back(value);
  }
  serializer.WriteProperty(100, "options", duckdb::SerializedCSVReaderOptions(options, {}));
  serializer.WriteProperty(101, "ignore_errors_is_given", options.ignore_errors.IsSetByUser());
  serializer.WriteProperty(102, "thousands", std::string(1, options.thousands_separator));
  serializer.WriteProperty(103, "auto_type_candidates", options.auto_type_candidates);
  serializer.WriteProperty(104, "given_keys", keys);
  serializer.WriteProperty(105, "given_values", values);
}

duckdb::CSVReaderOptions ReadOptions(Deserializer& deserializer) {
  auto options =
      deserializer.ReadProperty<duckdb::SerializedCSVReaderOptions>(100, "options").options;
  bool is_given = deserializer.ReadProperty<bool>(101, "ignore_errors_is_given");
  options.ignore_errors = {options.ignore_errors.GetValue(), is_given};
  options.thousands_separator = deserializer.ReadProperty<std::string>(102, "thousands")[0];
  options.auto_type_candidates = deserializer.ReadProperty<Types>(103, "auto_type_candidates");
  auto keys = deserializer.ReadProperty<Names>(104, "given_keys");
  auto values = deserializer.ReadProperty<Names>(105, "given_values");
  for (duckdb::idx_t i = 0; i < keys.size(); ++i) {
    options.user_defined_parameters[keys[i]] = values[i];
  }
  return options;
}

// What a file that is united with others by name has of its own, but for its path.
std::string FreezeUnited(const duckdb::CSVUnionData& file) {
  auto options = file.options;
  options.file_path.clear();
  return ToBytes([&](Serializer& serializer) {
    WriteOptions(serializer, options);
    serializer.WriteProperty(110, "names", file.names);
    serializer.WriteProperty(111, "types", file.types);
  });
}

duckdb::shared_ptr<duckdb::BaseUnionData> ThawUnited(const std::string& frozen,
                                                     const std::string& path) {
  auto file = duckdb::make_shared_ptr<duckdb::CSVUnionData>(duckdb::OpenFileInfo(path));
  FromBytes(frozen, [&](Deserializer& deserializer) {
    file->options = ReadOptions(deserializer);
    file->options.file_path = path;
    file->names = deserializer.ReadProperty<Names>(110, "names");
    file->types = deserializer.ReadProperty<Types>(111, "types");
  });
  return file;
}

}  // namespace

bool CanFreezeCsv(const duckdb::MultiFileBindData& scan) {
  return !scan.bind_data->Cast<duckdb::ReadCSVData>().options.store_rejects.GetValue();
}

std::string FreezeCsv(const duckdb::MultiFileBindData& scan) {
  const auto& csv = scan.bind_data->Cast<duckdb::ReadCSVData>();
  auto options = csv.options;
  // One file alone is read as it was sniffed. Each of several is sniffed against the columns of all
  // before it is read, whether its task reads others or not.
  bool is_one = scan.file_list->GetExpandResult() == duckdb::FileExpandResult::SINGLE_FILE;
  if (is_one) options.auto_detect = false;
  // Most united files are of one kind.
  Names kinds;
  duckdb::vector<uint64_t> kind_of_file;
  std::map<std::string, uint64_t> known;
  for (const auto& file : scan.union_readers) {
    std::string kind = FreezeUnited(file->Cast<duckdb::CSVUnionData>());
    auto [entry, is_new] = known.emplace(kind, kinds.size());
    if (is_new) kinds.push_back(std::move(kind));
    kind_of_file.push_back(entry->second);
  }
  return ToBytes([&](Serializer& serializer) {
    WriteOptions(serializer, options);
    serializer.WriteProperty(110, "names", csv.csv_schema.GetNames());
    serializer.WriteProperty(111, "types", csv.csv_schema.GetTypes());
    serializer.WriteProperty(112, "sniffed_file", csv.csv_schema.GetPath());
    serializer.WriteProperty(113, "sniffed_rows",
                             static_cast<uint64_t>(csv.csv_schema.GetRowsRead()));
    serializer.WriteProperty(114, "kinds", kinds);
    serializer.WriteProperty(115, "kind_of_file", kind_of_file);
  });
}

void ThawCsv(const std::string& frozen, const std::vector<ScanPart>& files,
             duckdb::ClientContext& context, duckdb::MultiFileBindData& scan) {
  auto csv = duckdb::make_uniq<duckdb::ReadCSVData>();
  FromBytes(frozen, [&](Deserializer& deserializer) {
    csv->options = ReadOptions(deserializer);
    auto names = deserializer.ReadProperty<Names>(110, "names");
    auto types = deserializer.ReadProperty<Types>(111, "types");
    auto sniffed_file = deserializer.ReadProperty<std::string>(112, "sniffed_file");
    auto sniffed_rows = deserializer.ReadProperty<uint64_t>(113, "sniffed_rows");
    if (!names.empty()) {
      csv->csv_schema = duckdb::CSVSchema(names, types, sniffed_file, sniffed_rows);
    }
    auto kinds = deserializer.ReadProperty<Names>(114, "kinds");
    auto kind_of_file = deserializer.ReadProperty<duckdb::vector<uint64_t>>(115, "kind_of_file");
    for (const auto& file : files) {
      if (kind_of_file.empty()) break;
      scan.union_readers.push_back(ThawUnited(kinds[kind_of_file[file.number]], file.path));
    }
  });
  scan.bind_data = std::move(csv);
  scan.interface = duckdb::CSVMultiFileInfo::CreateInterface(context);
}

}  // namespace smallpond
