#include "duckdb_adapter/cut/divided_scan.h"

#include "duckdb/common/multi_file/multi_file_reader.hpp"
#include "duckdb/common/multi_file/multi_file_states.hpp"
#include "duckdb/optimizer/column_binding_replacer.hpp"
#include "duckdb/planner/filter/conjunction_filter.hpp"
#include "duckdb/planner/filter/constant_filter.hpp"
#include "storage/paths.h"

namespace smallpond {
namespace {

using duckdb::LogicalGet;
using duckdb::MultiFileBindData;
using Operator = duckdb::unique_ptr<duckdb::LogicalOperator>;

constexpr const char* kFunctionName = "smallpond_divided_scan";

// How a scan was bound, all but its files.
struct DividedScanData : duckdb::TableFunctionData {
  int id = 0;
  std::string function;
  duckdb::named_parameter_map_t options;
  // The files that DuckDB looked into to find the columns. A task binds over them again.
  duckdb::vector<std::string> sample;
  bool many_files = false;
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::MultiFileReaderBindData reader_bind;
  duckdb::MultiFileOptions file_options;
  duckdb::virtual_column_map_t virtual_columns;

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<DividedScanData>(*this);
  }
  bool Equals(const duckdb::FunctionData& other) const override { return this == &other; }
};

// How many of its files a function looks into to find the columns; 0: all of them.
duckdb::idx_t SampleFiles(const std::string& function, const MultiFileBindData& data) {
  constexpr duckdb::idx_t kCsvSample = 10;   // files_to_sniff
  constexpr duckdb::idx_t kJsonSample = 32;  // maximum_sample_files
  if (function == "read_parquet" || function == "parquet_scan") return 1;
  if (data.file_options.union_by_name) return 0;
  return function.find("json") != std::string::npos ? kJsonSample : kCsvSample;
}

void SerializeScan(duckdb::Serializer& serializer,
                   const duckdb::optional_ptr<duckdb::FunctionData> bind_data,
                   const duckdb::TableFunction&) {
  const auto& data = bind_data->Cast<DividedScanData>();
  serializer.WriteProperty(100, "id", static_cast<int64_t>(data.id));
  serializer.WriteProperty(101, "function", data.function);
  duckdb::vector<duckdb::Value> option_names;
  duckdb::vector<duckdb::Value> option_values;
  for (const auto& [name, value] : data.options) {
    option_names.emplace_back(name);
    option_values.push_back(value);
  }
  serializer.WriteProperty(102, "option_names", option_names);
  serializer.WriteProperty(103, "option_values", option_values);
  serializer.WriteProperty(104, "sample", data.sample);
  serializer.WriteProperty(105, "many_files", data.many_files);
  serializer.WriteProperty(106, "names", data.names);
  serializer.WriteProperty(107, "types", data.types);
  serializer.WriteProperty(108, "reader_bind", data.reader_bind);
  serializer.WriteProperty(109, "file_options", data.file_options);
  duckdb::vector<uint64_t> virtual_ids;
  duckdb::vector<std::string> virtual_names;
  duckdb::vector<duckdb::LogicalType> virtual_types;
  for (const auto& [id, column] : data.virtual_columns) {
    virtual_ids.push_back(id);
    virtual_names.push_back(column.name);
    virtual_types.push_back(column.type);
  }
  serializer.WriteProperty(110, "virtual_ids", virtual_ids);
  serializer.WriteProperty(111, "virtual_names", virtual_names);
  serializer.WriteProperty(112, "virtual_types", virtual_types);
}

duckdb::unique_ptr<duckdb::FunctionData> DeserializeScan(duckdb::Deserializer& deserializer,
                                                         duckdb::TableFunction&) {
  auto data = duckdb::make_uniq<DividedScanData>();
  data->id = static_cast<int>(deserializer.ReadProperty<int64_t>(100, "id"));
  data->function = deserializer.ReadProperty<std::string>(101, "function");
  auto names = deserializer.ReadProperty<duckdb::vector<duckdb::Value>>(102, "option_names");
  auto values = deserializer.ReadProperty<duckdb::vector<duckdb::Value>>(103, "option_values");
  for (duckdb::idx_t i = 0; i < names.size(); ++i) {
    data->options[names[i].ToString()] = values[i];
  }
  data->sample = deserializer.ReadProperty<duckdb::vector<std::string>>(104, "sample");
  data->many_files = deserializer.ReadProperty<bool>(105, "many_files");
  data->names = deserializer.ReadProperty<duckdb::vector<std::string>>(106, "names");
  data->types = deserializer.ReadProperty<duckdb::vector<duckdb::LogicalType>>(107, "types");
  data->reader_bind =
      deserializer.ReadProperty<duckdb::MultiFileReaderBindData>(108, "reader_bind");
  data->file_options = deserializer.ReadProperty<duckdb::MultiFileOptions>(109, "file_options");
  auto virtual_ids = deserializer.ReadProperty<duckdb::vector<uint64_t>>(110, "virtual_ids");
  auto virtual_names = deserializer.ReadProperty<duckdb::vector<std::string>>(111, "virtual_names");
  auto virtual_types =
      deserializer.ReadProperty<duckdb::vector<duckdb::LogicalType>>(112, "virtual_types");
  for (duckdb::idx_t i = 0; i < virtual_ids.size(); ++i) {
    data->virtual_columns.emplace(virtual_ids[i],
                                  duckdb::TableColumn(virtual_names[i], virtual_types[i]));
  }
  return data;
}

// A file list that counts as many files even where a task has one: DuckDB reads the options of CSV
// files otherwise where there is only one.
class TaskFileList : public duckdb::SimpleMultiFileList {
 public:
  TaskFileList(duckdb::vector<duckdb::OpenFileInfo> files, bool many_files)
      : SimpleMultiFileList(std::move(files)), many_files_(many_files) {}

  duckdb::FileExpandResult GetExpandResult() const override {
    auto result = SimpleMultiFileList::GetExpandResult();
    bool is_one = result == duckdb::FileExpandResult::SINGLE_FILE;
    return is_one && many_files_ ? duckdb::FileExpandResult::MULTIPLE_FILES : result;
  }

 private:
  bool many_files_;
};

// Of CSV files that are united by name, each has columns of its own, which binding found out. For
// others these readers are only what binding has opened.
void KeepUnionReaders(const DividedScanData& planned, const std::vector<ScanPart>& parts,
                      MultiFileBindData& data) {
  auto bound = std::move(data.union_readers);
  data.union_readers.clear();
  if (planned.function.rfind("read_csv", 0) != 0) return;
  for (const auto& part : parts) {
    for (const auto& reader : bound) {
      if (reader->GetFileName() == part.path) {
        data.union_readers.push_back(reader);
        break;
      }
    }
  }
}

// Binds the scan as it was planned, over these files.
void BindOverFiles(duckdb::ClientContext& context, LogicalGet& get, const DividedScanData& planned,
                   const std::vector<ScanPart>& parts) {
  auto& entry =
      duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::TableFunctionCatalogEntry>(
          context, DEFAULT_SCHEMA, planned.function);
  auto function = entry.functions.GetFunctionByArguments(
      context, {duckdb::LogicalType::LIST(duckdb::LogicalType::VARCHAR)});
  duckdb::vector<duckdb::Value> sample;
  for (const auto& path : planned.sample) {
    sample.emplace_back(IsRemote(path) ? path : EscapePattern(path));
  }
  duckdb::vector<duckdb::Value> inputs = {
      duckdb::Value::LIST(duckdb::LogicalType::VARCHAR, std::move(sample))};
  auto options = planned.options;
  duckdb::vector<duckdb::LogicalType> no_types;
  duckdb::vector<std::string> no_names;
  duckdb::TableFunctionRef no_reference;
  duckdb::TableFunctionBindInput input(inputs, options, no_types, no_names,
                                       function.function_info.get(), nullptr, function,
                                       no_reference);
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::vector<std::string> names;
  auto bind_data = function.bind(context, input, types, names);

  auto& data = bind_data->Cast<MultiFileBindData>();
  duckdb::vector<duckdb::OpenFileInfo> files;
  for (const auto& part : parts) files.emplace_back(part.path);
  data.file_list = duckdb::make_shared_ptr<TaskFileList>(std::move(files), planned.many_files);
  KeepUnionReaders(planned, parts, data);
  data.names = planned.names;
  data.types = planned.types;
  data.columns =
      duckdb::MultiFileColumnDefinition::ColumnsFromNamesAndTypes(planned.names, planned.types);
  data.reader_bind = planned.reader_bind;
  data.file_options = planned.file_options;

  get.function = function;
  get.bind_data = std::move(bind_data);
  if (function.get_virtual_columns) {
    get.virtual_columns = function.get_virtual_columns(context, get.bind_data.get());
  }
}

// Asks for a range of a file's rows. The scan must not deliver the number itself.
void KeepRows(LogicalGet& get, const ScanPart& part) {
  constexpr auto kRowNumber = duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER;
  auto& columns = get.GetMutableColumnIds();
  bool has_number = std::any_of(columns.begin(), columns.end(), [](const auto& column) {
    return column.GetPrimaryIndex() == kRowNumber;
  });
  if (!has_number) {
    if (get.projection_ids.empty()) {
      for (duckdb::idx_t i = 0; i < columns.size(); ++i) get.projection_ids.push_back(i);
    }
    columns.emplace_back(kRowNumber);
  }
  auto range = duckdb::make_uniq<duckdb::ConjunctionAndFilter>();
  range->child_filters.push_back(duckdb::make_uniq<duckdb::ConstantFilter>(
      duckdb::ExpressionType::COMPARE_GREATERTHANOREQUALTO, duckdb::Value::BIGINT(part.row_begin)));
  range->child_filters.push_back(duckdb::make_uniq<duckdb::ConstantFilter>(
      duckdb::ExpressionType::COMPARE_LESSTHAN, duckdb::Value::BIGINT(part.row_end)));
  get.table_filters.PushFilter(duckdb::ColumnIndex(kRowNumber), std::move(range));
}

// Whole files that follow each other together, each range of rows by itself; in their order.
std::vector<std::vector<ScanPart>> GroupParts(const ScanInput& input) {
  std::vector<std::vector<ScanPart>> groups;
  for (const auto& part : input.parts) {
    bool joins = part.is_whole && !groups.empty() && groups.back()[0].is_whole;
    if (!joins) groups.emplace_back();
    groups.back().push_back(part);
  }
  return groups;
}

// Fills the open scans below a plan. Columns of a scan that becomes several ones get other
// bindings.
class ScanFiller {
 public:
  ScanFiller(duckdb::ClientContext& context, duckdb::Binder& binder,
             const std::map<int, ScanInput>& inputs)
      : context_(context), binder_(binder), inputs_(inputs) {}

  void Visit(Operator& slot) {
    for (auto& child : slot->children) Visit(child);
    if (slot->type != duckdb::LogicalOperatorType::LOGICAL_GET) return;
    auto& get = slot->Cast<LogicalGet>();
    if (auto id = OpenScanId(get)) Fill(slot, get, *id);
  }

  duckdb::ColumnBindingReplacer replacer;

 private:
  void Fill(Operator& slot, LogicalGet& get, int id) {
    auto input = inputs_.find(id);
    if (input == inputs_.end() || input->second.parts.empty()) {
      slot->ResolveOperatorTypes();
      slot = duckdb::make_uniq<duckdb::LogicalEmptyResult>(std::move(slot));
      return;
    }
    auto groups = GroupParts(input->second);
    auto planned = get.bind_data->Cast<DividedScanData>();
    duckdb::vector<Operator> scans;
    for (size_t i = 0; i < groups.size(); ++i) {
      bool is_last = i + 1 == groups.size();
      auto scan = is_last ? std::move(slot) : slot->Copy(context_);
      auto& part = scan->Cast<LogicalGet>();
      BindOverFiles(context_, part, planned, groups[i]);
      if (!groups[i][0].is_whole) KeepRows(part, groups[i][0]);
      scans.push_back(std::move(scan));
    }
    slot = scans.size() == 1 ? std::move(scans[0]) : Unite(std::move(scans));
  }

  Operator Unite(duckdb::vector<Operator> scans) {
    auto columns = scans[0]->GetColumnBindings();
    auto index = binder_.GenerateTableIndex();
    for (duckdb::idx_t i = 0; i < columns.size(); ++i) {
      replacer.replacement_bindings.emplace_back(columns[i], duckdb::ColumnBinding(index, i));
    }
    for (auto& scan : scans) scan->Cast<LogicalGet>().table_index = binder_.GenerateTableIndex();
    auto all = duckdb::make_uniq<duckdb::LogicalSetOperation>(
        index, columns.size(), std::move(scans), duckdb::LogicalOperatorType::LOGICAL_UNION, true);
    all->ResolveOperatorTypes();
    return all;
  }

  duckdb::ClientContext& context_;
  duckdb::Binder& binder_;
  const std::map<int, ScanInput>& inputs_;
};

}  // namespace

duckdb::TableFunction DividedScanFunction() {
  // It is never run or bound by itself.
  duckdb::TableFunction function(kFunctionName, {}, nullptr, nullptr);
  function.bind = [](duckdb::ClientContext&, duckdb::TableFunctionBindInput&,
                     duckdb::vector<duckdb::LogicalType>&,
                     duckdb::vector<std::string>&) -> duckdb::unique_ptr<duckdb::FunctionData> {
    throw duckdb::InvalidInputException("%s is not for queries", kFunctionName);
  };
  function.serialize = SerializeScan;
  function.deserialize = DeserializeScan;
  function.get_virtual_columns = [](duckdb::ClientContext&,
                                    duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
    return bind_data->Cast<DividedScanData>().virtual_columns;
  };
  function.projection_pushdown = true;
  function.filter_pushdown = true;
  return function;
}

std::optional<FragmentScan> DescribeScan(const LogicalGet& get, int id) {
  const std::string& name = get.function.name;
  bool is_parquet = name == "read_parquet" || name == "parquet_scan";
  bool is_text = name.rfind("read_csv", 0) == 0 || name.rfind("read_json", 0) == 0 ||
                 name.rfind("read_ndjson", 0) == 0;
  // A sample or an order asked of the scan itself concerns all files together.
  bool is_plain = get.children.empty() && !get.extra_info.sample_options &&
                  !get.row_group_order_options && !get.ordinality_idx.IsValid();
  if (!(is_parquet || is_text) || !is_plain) return std::nullopt;
  const auto& data = get.bind_data->Cast<MultiFileBindData>();
  FragmentScan scan;
  scan.id = id;
  scan.function = is_parquet ? "read_parquet" : name;
  for (const auto& file : data.file_list->GetAllFiles()) scan.files.push_back(file.path);
  bool names_a_number =
      std::find_if(data.names.begin(), data.names.end(), [](const std::string& column) {
        return duckdb::StringUtil::CIEquals(column, "file_row_number");
      }) != data.names.end();
  bool is_encrypted = get.named_parameters.count("encryption_config") > 0;  // Its footer as well.
  scan.divides_files = is_parquet && !names_a_number && !is_encrypted;
  return scan;
}

void LeaveFilesOpen(LogicalGet& get, const FragmentScan& scan) {
  const auto& data = get.bind_data->Cast<MultiFileBindData>();
  auto open = duckdb::make_uniq<DividedScanData>();
  open->id = scan.id;
  open->function = scan.function;
  open->options = get.named_parameters;
  duckdb::idx_t sample = SampleFiles(scan.function, data);
  if (sample == 0) sample = scan.files.size();
  if (sample < scan.files.size()) open->options.erase("union_by_name");
  for (duckdb::idx_t i = 0; i < std::min<duckdb::idx_t>(sample, scan.files.size()); ++i) {
    open->sample.push_back(scan.files[i]);
  }
  open->many_files = scan.files.size() > 1;
  open->names = data.names;
  open->types = data.types;
  open->reader_bind = data.reader_bind;
  open->file_options = data.file_options;
  open->virtual_columns = get.virtual_columns;
  get.function = DividedScanFunction();
  get.bind_data = std::move(open);
  get.extra_info.file_filters.clear();
}

std::optional<int> OpenScanId(const LogicalGet& get) {
  if (get.function.name != kFunctionName) return std::nullopt;
  return get.bind_data->Cast<DividedScanData>().id;
}

void FillScans(duckdb::ClientContext& context, duckdb::Binder& binder, Operator& plan,
               const std::map<int, ScanInput>& inputs) {
  ScanFiller filler(context, binder, inputs);
  filler.Visit(plan);
  if (!filler.replacer.replacement_bindings.empty()) filler.replacer.VisitOperator(*plan);
}

}  // namespace smallpond
