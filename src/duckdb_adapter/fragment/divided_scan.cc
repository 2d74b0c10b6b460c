#include "duckdb_adapter/fragment/divided_scan.h"

#include "duckdb/common/multi_file/multi_file_function.hpp"
#include "duckdb/common/multi_file/multi_file_reader.hpp"
#include "duckdb/common/multi_file/multi_file_states.hpp"
#include "duckdb/optimizer/column_binding_replacer.hpp"
#include "duckdb/planner/filter/conjunction_filter.hpp"
#include "duckdb/planner/filter/constant_filter.hpp"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/fragment/frozen_csv.h"
#include "duckdb_adapter/fragment/frozen_json.h"
#include "storage/files/paths.h"

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
  std::string found;       // What DuckDB found out by reading text files.
  std::string first_file;  // Of Parquet files: the one whose columns are those of all.
  duckdb::named_parameter_map_t parquet_options;
  duckdb::idx_t rows_per_file = 0;  // Estimated, of text files.
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

bool IsCsv(const std::string& function) { return function.starts_with("read_csv"); }

bool IsJson(const std::string& function) {
  return function.starts_with("read_json") || function.starts_with("read_ndjson");
}

bool IsParquet(const std::string& function) {
  return function == "read_parquet" || function == "parquet_scan";
}

void SerializeScan(duckdb::Serializer& serializer,
                   const duckdb::optional_ptr<duckdb::FunctionData> bind_data,
                   const duckdb::TableFunction&) {
  const auto& data = bind_data->Cast<DividedScanData>();
  serializer.WriteProperty(100, "id", static_cast<int64_t>(data.id));
  serializer.WriteProperty(101, "function", data.function);
  duckdb::vector<duckdb::Value> option_names;
  duckdb::vector<duckdb::Value> option_values;
  for (const auto& [name, value] : data.parquet_options) {
    option_names.emplace_back(name);
    option_values.push_back(value);
  }
  serializer.WriteProperty(102, "option_names", option_names);
  serializer.WriteProperty(103, "option_values", option_values);
  serializer.WriteProperty(104, "found", data.found);
  serializer.WriteProperty(105, "rows_per_file", static_cast<uint64_t>(data.rows_per_file));
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
  serializer.WriteProperty(113, "first_file", data.first_file);
}

duckdb::unique_ptr<duckdb::FunctionData> DeserializeScan(duckdb::Deserializer& deserializer,
                                                         duckdb::TableFunction&) {
  auto data = duckdb::make_uniq<DividedScanData>();
  data->id = static_cast<int>(deserializer.ReadProperty<int64_t>(100, "id"));
  data->function = deserializer.ReadProperty<std::string>(101, "function");
  auto names = deserializer.ReadProperty<duckdb::vector<duckdb::Value>>(102, "option_names");
  auto values = deserializer.ReadProperty<duckdb::vector<duckdb::Value>>(103, "option_values");
  for (duckdb::idx_t i = 0; i < names.size(); ++i) {
    data->parquet_options[names[i].ToString()] = values[i];
  }
  data->found = deserializer.ReadProperty<std::string>(104, "found");
  data->rows_per_file = deserializer.ReadProperty<uint64_t>(105, "rows_per_file");
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
  data->first_file = deserializer.ReadProperty<std::string>(113, "first_file");
  return data;
}

duckdb::unique_ptr<duckdb::FunctionData> RefuseToBindScan(duckdb::ClientContext&,
                                                          duckdb::TableFunctionBindInput&,
                                                          duckdb::vector<duckdb::LogicalType>&,
                                                          duckdb::vector<std::string>&) {
  throw duckdb::InvalidInputException("%s is not for queries", kFunctionName);
}

duckdb::virtual_column_map_t PlannedVirtualColumns(
    duckdb::ClientContext&, duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  return bind_data->Cast<DividedScanData>().virtual_columns;
}

// A task's files. They count as several also where there is one: of one file alone DuckDB would not
// compare the columns with those of all.
class TaskFileList : public duckdb::SimpleMultiFileList {
 public:
  using SimpleMultiFileList::SimpleMultiFileList;
  duckdb::FileExpandResult GetExpandResult() const override {
    return duckdb::FileExpandResult::MULTIPLE_FILES;
  }
};

duckdb::TableFunction FindFunction(duckdb::ClientContext& context, const std::string& name) {
  auto& entry =
      duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::TableFunctionCatalogEntry>(
          context, DEFAULT_SCHEMA, name);
  return entry.functions.GetFunctionByArguments(
      context, {duckdb::LogicalType::LIST(duckdb::LogicalType::VARCHAR)});
}

// A Parquet file tells its columns itself. DuckDB looks into the first one, which it goes on to
// read.
duckdb::unique_ptr<MultiFileBindData> BindParquet(duckdb::ClientContext& context,
                                                  duckdb::TableFunction& function,
                                                  const DividedScanData& planned,
                                                  const std::string& path) {
  duckdb::vector<duckdb::Value> first = {IsRemote(path) ? path : EscapePattern(path)};
  duckdb::vector<duckdb::Value> inputs = {
      duckdb::Value::LIST(duckdb::LogicalType::VARCHAR, std::move(first))};
  auto options = planned.parquet_options;
  duckdb::vector<duckdb::LogicalType> no_types;
  duckdb::vector<std::string> no_names;
  duckdb::TableFunctionRef no_reference;
  duckdb::TableFunctionBindInput input(inputs, options, no_types, no_names,
                                       function.function_info.get(), nullptr, function,
                                       no_reference);
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::vector<std::string> names;
  auto data = duckdb::unique_ptr_cast<duckdb::FunctionData, MultiFileBindData>(
      function.bind(context, input, types, names));
  // The reader compares the columns of each file with those of the first one, and names it.
  duckdb::SimpleMultiFileList first_file({duckdb::OpenFileInfo(planned.first_file)});
  duckdb::MultiFileOptions no_options;
  duckdb::MultiFileReaderBindData no_binding;
  data->multi_file_reader->BindOptions(no_options, first_file, types, names, no_binding);
  return data;
}

duckdb::unique_ptr<MultiFileBindData> BindText(duckdb::ClientContext& context,
                                               const duckdb::TableFunction& function,
                                               const DividedScanData& planned,
                                               const std::vector<ScanPart>& parts) {
  auto data = duckdb::make_uniq<MultiFileBindData>();
  data->multi_file_reader = duckdb::MultiFileReader::Create(function);
  if (IsCsv(planned.function)) {
    ThawCsv(planned.found, parts, context, *data);
  } else {
    ThawJson(planned.found, context, *data);
  }
  return data;
}

// Binds the scan as it was planned, over these files.
void BindOverFiles(duckdb::ClientContext& context, LogicalGet& get, const DividedScanData& planned,
                   const std::vector<ScanPart>& parts) {
  auto function = FindFunction(context, planned.function);
  auto data = IsParquet(planned.function) ? BindParquet(context, function, planned, parts[0].path)
                                          : BindText(context, function, planned, parts);
  duckdb::vector<duckdb::OpenFileInfo> files;
  for (const auto& part : parts) files.emplace_back(part.path);
  data->file_list = duckdb::make_shared_ptr<TaskFileList>(std::move(files));
  data->names = planned.names;
  data->types = planned.types;
  data->columns =
      duckdb::MultiFileColumnDefinition::ColumnsFromNamesAndTypes(planned.names, planned.types);
  // DuckDB doesn't write a schema that was given by field ids; binding made it of the options.
  data->reader_bind.filename_idx = planned.reader_bind.filename_idx;
  data->reader_bind.hive_partitioning_indexes = planned.reader_bind.hive_partitioning_indexes;
  data->file_options = planned.file_options;

  get.function = function;
  get.bind_data = std::move(data);
  if (!IsParquet(planned.function)) {
    get.SetEstimatedCardinality(planned.rows_per_file * parts.size());
  }
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
  function.bind = kGuarded<RefuseToBindScan>;
  function.serialize = kGuarded<SerializeScan>;
  function.deserialize = kGuarded<DeserializeScan>;
  function.get_virtual_columns = kGuarded<PlannedVirtualColumns>;
  function.projection_pushdown = true;
  function.filter_pushdown = true;
  return function;
}

std::optional<FragmentScan> DescribeScan(const LogicalGet& get, int id) {
  const std::string& name = get.function.name;
  // A sample or an order asked of the scan itself concerns all files together.
  bool is_plain = get.children.empty() && !get.extra_info.sample_options &&
                  !get.row_group_order_options && !get.ordinality_idx.IsValid();
  if (!(IsParquet(name) || IsCsv(name) || IsJson(name)) || !is_plain) return std::nullopt;
  const auto& data = get.bind_data->Cast<MultiFileBindData>();
  if (IsCsv(name) && !CanFreezeCsv(data)) return std::nullopt;
  FragmentScan scan;
  scan.id = id;
  scan.function = IsParquet(name) ? "read_parquet" : name;
  for (const auto& file : data.file_list->GetAllFiles()) {
    // Only this process is in the folder from which such a path leads to the file.
    if (!IsRemote(file.path) && !file.path.starts_with('/')) return std::nullopt;
    scan.files.push_back(file.path);
  }
  bool names_a_number =
      std::find_if(data.names.begin(), data.names.end(), [](const std::string& column) {
        return duckdb::StringUtil::CIEquals(column, "file_row_number");
      }) != data.names.end();
  bool is_encrypted = get.named_parameters.count("encryption_config") > 0;  // Its footer as well.
  scan.divides_files = IsParquet(name) && !names_a_number && !is_encrypted;
  return scan;
}

bool NumbersFiles(const LogicalGet& get) {
  const auto& columns = get.GetColumnIds();
  return std::any_of(columns.begin(), columns.end(), [](const auto& column) {
    return column.GetPrimaryIndex() == duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_INDEX;
  });
}

void LeaveFilesOpen(LogicalGet& get, const FragmentScan& scan) {
  const auto& data = get.bind_data->Cast<MultiFileBindData>();
  auto open = duckdb::make_uniq<DividedScanData>();
  open->id = scan.id;
  open->function = scan.function;
  if (IsParquet(scan.function)) {
    open->first_file = data.initial_reader  ? data.initial_reader->GetFileName()
                       : scan.files.empty() ? ""
                                            : scan.files[0];
    open->parquet_options = get.named_parameters;
    // What concerns all files together is in `file_options` and `reader_bind`.
    for (const char* name : {"filename", "union_by_name", "hive_types", "hive_types_autocast"}) {
      open->parquet_options.erase(name);
    }
    open->parquet_options["hive_partitioning"] = duckdb::Value::BOOLEAN(false);
  } else {
    open->found = IsCsv(scan.function) ? FreezeCsv(data) : FreezeJson(data);
    open->rows_per_file = data.interface->GetCardinality(data, 1)->estimated_cardinality;
  }
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
