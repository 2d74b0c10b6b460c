#include "session/reader_options.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "smallpond/error.h"

namespace smallpond {
namespace {

bool IsGiven(const ReaderOptions& options, const std::string& name) {
  return std::any_of(options.begin(), options.end(), [&](const auto& option) {
    return std::equal(option.first.begin(), option.first.end(), name.begin(), name.end(),
                      [](unsigned char l, unsigned char r) { return std::tolower(l) == r; });
  });
}

// Adds an option that has a field of its own. Of two, DuckDB would take the last in silence.
void Add(const std::string& name, Value value, ReaderOptions& options) {
  if (IsGiven(options, name)) {
    throw Error(ErrorKind::kInvalidInput,
                "The reader's option '" + name + "' is given twice. Leave one of them out.");
  }
  options.emplace_back(name, std::move(value));
}

// Adds the schema as the struct that DuckDB's text readers take.
void AddSchema(const std::vector<Column>& schema, ReaderOptions& options) {
  if (schema.empty()) return;
  std::vector<std::pair<std::string, Value>> fields;
  for (const auto& column : schema) {
    if (column.name.empty()) {
      throw Error(ErrorKind::kInvalidInput,
                  "The schema has a column without a name. Give it one; it can be any text.");
    }
    fields.emplace_back(column.name, Value(column.type));
  }
  Add("columns", Value::Struct(std::move(fields)), options);
}

// Adds what all readers have.
template <class Given>
void AddCommon(const Given& given, ReaderOptions& options) {
  if (given.union_by_name) Add("union_by_name", true, options);
  if (given.hive_partitioning) Add("hive_partitioning", *given.hive_partitioning, options);
}

}  // namespace

FileScan ScanOf(const ParquetOptions& options) {
  FileScan scan{
      "read_parquet", {}, {".parquet", ".parq", ".pq"}, options.recursive, options.columns,
      options.further};
  AddCommon(options, scan.options);
  return scan;
}

FileScan ScanOf(const CsvOptions& options) {
  FileScan scan{
      "read_csv",
      {},
      {".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz", ".tsv.zst", ".txt", ".txt.gz", ".txt.zst"},
      options.recursive,
      {},
      options.further};
  AddCommon(options, scan.options);
  AddSchema(options.schema, scan.options);
  if (options.delim && options.delim->empty()) {
    throw Error(ErrorKind::kInvalidInput, "delim is empty. Give 1 to 4 bytes, such as ','.");
  }
  bool has_schema = !options.schema.empty();
  if (options.delim) {
    Add("delim", *options.delim, scan.options);
  } else if (has_schema && !IsGiven(options.further, "sep")) {
    Add("delim", ",", scan.options);
  }
  // Where all columns are text, DuckDB would take the first row for a header and drop it.
  if (options.header || has_schema) Add("header", options.header.value_or(false), scan.options);
  if (options.ignore_errors) Add("ignore_errors", true, scan.options);
  return scan;
}

FileScan ScanOf(const JsonOptions& options) {
  FileScan scan{"read_json",
                {},
                {".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz", ".json.zst",
                 ".jsonl.zst", ".ndjson.zst"},
                options.recursive,
                {},
                options.further};
  AddCommon(options, scan.options);
  AddSchema(options.schema, scan.options);
  if (options.ignore_errors) Add("ignore_errors", true, scan.options);
  return scan;
}

}  // namespace smallpond
