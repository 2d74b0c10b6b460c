#include "duckdb_adapter/arrow/arrow_source.h"

#include <cstring>
#include <mutex>

#include "duckdb_adapter/arrow/arrow_scan.h"
#include "duckdb_adapter/arrow/arrow_size.h"
#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/statement_tree.h"
#include "smallpond/error.h"
#include "smallpond/options.h"

namespace smallpond {

struct ArrowSource::Batches {
  ArrowArrayStream origin{};  // Tells the schema to whoever asks; its rows are in `arrays`.
  std::mutex origin_mutex;    // One caller at a time may use a stream.
  ArrowSchema schema{};
  std::vector<ArrowArray> arrays;
  int64_t num_rows = 0;

  ~Batches() {
    for (auto& array : arrays) {
      if (array.release) array.release(&array);
    }
    if (schema.release) schema.release(&schema);
    if (origin.release) origin.release(&origin);
  }
};

namespace {

using Batches = ArrowSource::Batches;

// A producer may leave the number of NULLs open (-1), which DuckDB takes for none in a dictionary.
// Only whether there may be NULLs matters to it.
void SettleNullCounts(ArrowArray& array) {
  bool has_validity = array.n_buffers > 0 && array.buffers[0];
  if (array.null_count < 0) array.null_count = has_validity ? 1 : 0;
  for (int64_t i = 0; i < array.n_children; ++i) SettleNullCounts(*array.children[i]);
  if (array.dictionary) SettleNullCounts(*array.dictionary);
}

void Drain(ArrowArrayStream& stream, Batches& batches) {
  auto check = [&](int code, const char* step) {
    if (code == 0) return;
    const char* text = stream.get_last_error ? stream.get_last_error(&stream) : nullptr;
    throw Error(ErrorKind::kInvalidInput, std::string("The Arrow stream failed in ") + step + ": " +
                                              (text ? text : std::strerror(code)));
  };
  check(stream.get_schema(&stream, &batches.schema), "get_schema");
  if (std::strcmp(batches.schema.format, "+s") != 0) {
    throw Error(ErrorKind::kInvalidInput, std::string("The Arrow stream holds type '") +
                                              batches.schema.format +
                                              "', not record batches. Give a table.");
  }
  if (batches.schema.n_children == 0) {
    throw Error(ErrorKind::kInvalidInput, "The table has no columns. Give at least one.");
  }
  for (;;) {
    ArrowArray array{};
    check(stream.get_next(&stream, &array), "get_next");
    if (!array.release) return;
    SettleNullCounts(array);
    batches.num_rows += array.length;
    batches.arrays.push_back(array);
  }
}

bool IsList(const ArrowSchema& schema) {
  return schema.format[0] == '+' && std::strchr("lLwmv", schema.format[1]) != nullptr;
}

// What DuckDB can't read of a column, with what to do. Empty where it reads all of it. In lists
// with dictionaries it takes the indices for the values where they are of fixed size, and
// dereferences a null pointer where a batch begins with an empty list, after which the database is
// unusable.
std::string WhyUnreadable(const ArrowSchema& schema, bool in_list) {
  std::string format = schema.format;
  if (schema.dictionary) {
    if (!in_list) return WhyUnreadable(*schema.dictionary, false);
    return "has dictionaries (categories) inside of lists, which can't be read. Cast them to text.";
  }
  if (format.starts_with("d:") && format.ends_with(",256")) {
    return "has decimals of 256 bits, which can't be read: a DECIMAL has at most 38 digits. Cast "
           "them to decimal128, to float64 or to text.";
  }
  if (format.starts_with("_pl")) {
    return "has a type that only Polars knows (" + format.substr(1) +
           "), which can't be read. Cast it to Int64, to Decimal or to String.";
  }
  in_list = in_list || IsList(schema);
  for (int64_t i = 0; i < schema.n_children; ++i) {
    std::string why = WhyUnreadable(*schema.children[i], in_list);
    if (!why.empty()) return why;
  }
  return "";
}

// One scan: hands out slices of the batches that hold only the wanted columns.
struct Scan {
  std::shared_ptr<const Batches> batches;
  std::vector<int64_t> columns;
  size_t batch = 0;
  int64_t row = 0;  // Next row of the batch.
};

// A slice of one batch. Its children are copies of the batch's structs with another offset; the
// buffers stay the batch's.
struct Slice {
  std::shared_ptr<const Batches> batches;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> child_pointers;
  const void* validity = nullptr;
};

void ReleaseNothing(ArrowArray* array) { array->release = nullptr; }

void ReleaseSlice(ArrowArray* array) {
  delete static_cast<Slice*>(array->private_data);
  array->release = nullptr;
}

int NextSlice(ArrowArrayStream* stream, ArrowArray* out) {
  auto& scan = *static_cast<Scan*>(stream->private_data);
  const auto& arrays = scan.batches->arrays;
  while (scan.batch < arrays.size() && scan.row >= arrays[scan.batch].length) {
    ++scan.batch;
    scan.row = 0;
  }
  *out = ArrowArray{};
  if (scan.batch == arrays.size()) return 0;
  const ArrowArray& array = arrays[scan.batch];
  // Large batches are cut, so that all threads have work.
  int64_t rows = std::min(array.length - scan.row, Options::kArrowBatchRows);
  auto slice = std::make_unique<Slice>();
  slice->batches = scan.batches;
  for (int64_t column : scan.columns) {
    ArrowArray child = *array.children[column];
    child.offset += array.offset + scan.row;
    child.length = rows;  // null_count stays: whether NULLs are possible is the same in all slices.
    child.release = ReleaseNothing;
    slice->children.push_back(child);
  }
  for (auto& child : slice->children) slice->child_pointers.push_back(&child);
  out->length = rows;
  out->n_buffers = 1;
  out->buffers = &slice->validity;
  out->n_children = static_cast<int64_t>(slice->children.size());
  out->children = slice->child_pointers.data();
  out->release = ReleaseSlice;
  out->private_data = slice.release();
  scan.row += rows;
  return 0;
}

const char* NoError(ArrowArrayStream*) { return ""; }

void ReleaseScan(ArrowArrayStream* stream) {
  delete static_cast<Scan*>(stream->private_data);
  stream->release = nullptr;
}

// One consumer's way through all batches.
struct Replay {
  std::shared_ptr<Batches> batches;
  size_t next = 0;
};

// A copy of an array's structs over the same buffers. Each keeps the batches alive by itself, since
// a consumer may take a child out of its parent.
struct SharedNode {
  std::shared_ptr<Batches> batches;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> child_pointers;
  ArrowArray dictionary{};
};

void ReleaseShared(ArrowArray* array) {
  auto* node = static_cast<SharedNode*>(array->private_data);
  for (auto& child : node->children) {
    if (child.release) child.release(&child);
  }
  if (node->dictionary.release) node->dictionary.release(&node->dictionary);
  delete node;
  array->release = nullptr;
}

ArrowArray Share(const ArrowArray& array, const std::shared_ptr<Batches>& batches) {
  auto node = std::make_unique<SharedNode>();
  node->batches = batches;
  for (int64_t i = 0; i < array.n_children; ++i) {
    node->children.push_back(Share(*array.children[i], batches));
  }
  for (auto& child : node->children) node->child_pointers.push_back(&child);
  ArrowArray copy = array;
  copy.children = node->child_pointers.data();
  if (array.dictionary) {
    node->dictionary = Share(*array.dictionary, batches);
    copy.dictionary = &node->dictionary;
  }
  copy.release = ReleaseShared;
  copy.private_data = node.release();
  return copy;
}

// DuckDB calls this at the start of a scan.
duckdb::unique_ptr<duckdb::ArrowArrayStreamWrapper> Open(
    uintptr_t factory, duckdb::ArrowStreamParameters& parameters) {
  auto batches = reinterpret_cast<std::shared_ptr<Batches>*>(factory);
  auto scan = std::make_unique<Scan>();
  scan->batches = *batches;
  // Position in the output → column of the source. A position that is missing asks for the row id,
  // as count(*) does; DuckDB reads only the length there, so that any column will do.
  for (const auto& [position, column] : parameters.projected_columns.filter_to_col) {
    if (scan->columns.size() <= position) scan->columns.resize(position + 1, 0);
    scan->columns[position] = static_cast<int64_t>(column);
  }
  if (scan->columns.empty()) scan->columns.push_back(0);
  auto wrapper = duckdb::make_uniq<duckdb::ArrowArrayStreamWrapper>();
  auto& stream = wrapper->arrow_array_stream;
  stream.get_schema = nullptr;  // DuckDB reads the schema through GetSchema.
  stream.get_next = NextSlice;
  stream.get_last_error = NoError;
  stream.release = ReleaseScan;
  stream.private_data = scan.release();
  wrapper->number_of_rows = (*batches)->num_rows;
  return wrapper;
}

void GetSchema(ArrowArrayStream* factory, ArrowSchema& schema) {
  schema = (*reinterpret_cast<std::shared_ptr<Batches>*>(factory))->schema;
  schema.release = [](ArrowSchema* copy) { copy->release = nullptr; };  // Owned by the source.
}

duckdb::unique_ptr<duckdb::NodeStatistics> CardinalityOf(duckdb::ClientContext&,
                                                         const duckdb::FunctionData* data) {
  auto factory = data->Cast<duckdb::ArrowScanFunctionData>().stream_factory_ptr;
  auto rows =
      static_cast<duckdb::idx_t>((*reinterpret_cast<std::shared_ptr<Batches>*>(factory))->num_rows);
  return duckdb::make_uniq<duckdb::NodeStatistics>(rows, rows);
}

}  // namespace

ArrowSource::ArrowSource(ArrowArrayStream* stream) : batches_(std::make_shared<Batches>()) {
  batches_->origin = *stream;
  stream->release = nullptr;
  Drain(batches_->origin, *batches_);
  num_rows_ = batches_->num_rows;
}

void ArrowSource::CheckReadable() const {
  for (int64_t i = 0; i < batches_->schema.n_children; ++i) {
    const ArrowSchema& column = *batches_->schema.children[i];
    std::string why = WhyUnreadable(column, false);
    if (why.empty()) continue;
    throw Error(ErrorKind::kUnsupported,
                "Column '" + std::string(column.name ? column.name : "") + "' " + why);
  }
}

std::optional<uint64_t> ArrowSource::Bytes() const {
  uint64_t bytes = 0;
  for (const auto& array : batches_->arrays) {
    auto size = ArrowBytes(batches_->schema, array);
    if (!size) return std::nullopt;
    bytes += *size;
  }
  return bytes;
}

void ArrowSource::Stream(ArrowArrayStream* out) const {
  out->get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
    auto& batches = *static_cast<Replay*>(self->private_data)->batches;
    std::lock_guard lock(batches.origin_mutex);
    return batches.origin.get_schema(&batches.origin, schema);
  };
  out->get_next = [](ArrowArrayStream* self, ArrowArray* array) {
    auto& replay = *static_cast<Replay*>(self->private_data);
    *array = ArrowArray{};
    if (replay.next < replay.batches->arrays.size()) {
      *array = Share(replay.batches->arrays[replay.next++], replay.batches);
    }
    return 0;
  };
  out->get_last_error = NoError;
  out->release = [](ArrowArrayStream* self) {
    delete static_cast<Replay*>(self->private_data);
    self->release = nullptr;
  };
  out->private_data = new Replay{batches_};
}

ArrowSource::~ArrowSource() = default;

std::array<uintptr_t, 3> ArrowSource::ScanArguments() const {
  return {reinterpret_cast<uintptr_t>(&batches_), reinterpret_cast<uintptr_t>(&Open),
          reinterpret_cast<uintptr_t>(&GetSchema)};
}

Statement ScanArrow(const ArrowSource& source) {
  auto table = duckdb::make_uniq<duckdb::TableFunctionRef>();
  duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> arguments;
  for (auto pointer : source.ScanArguments()) {
    arguments.push_back(
        duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value::POINTER(pointer)));
  }
  table->function = duckdb::make_uniq<duckdb::FunctionExpression>(
      SYSTEM_CATALOG, DEFAULT_SCHEMA, ArrowSource::kScanFunction, std::move(arguments));
  auto tree = std::make_unique<Statement::Tree>();
  tree->main = SelectAllFrom(std::move(table));
  return Statement::FromTree(std::move(tree));
}

void RegisterArrowScan(duckdb::DatabaseInstance& database) {
  duckdb::Connection connection(database);
  connection.context->RunFunctionInTransaction([&] {
    auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
    auto& entry = catalog.GetEntry<duckdb::TableFunctionCatalogEntry>(*connection.context,
                                                                      DEFAULT_SCHEMA, "arrow_scan");
    // DuckDB's own scan expects the producer to filter; ours leaves that to DuckDB, and knows its
    // number of rows.
    duckdb::TableFunction function = entry.functions.GetFunctionByOffset(0);
    function.name = ArrowSource::kScanFunction;
    function.filter_pushdown = false;
    function.filter_prune = false;
    function.cardinality = kGuarded<CardinalityOf>;
    duckdb::CreateTableFunctionInfo info(function);
    info.on_conflict = duckdb::OnCreateConflict::IGNORE_ON_CONFLICT;
    catalog.CreateTableFunction(*connection.context, info);
  });
}

}  // namespace smallpond
