#include "duckdb_adapter/arrow/arrow_scan.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "duckdb_adapter/arrow/arrow_source.h"
#include "duckdb_adapter/arrow/arrow_source_batches.h"
#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/statement_tree.h"

namespace smallpond {
namespace {

using Batches = ArrowSource::Batches;

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
  int64_t rows = std::min(array.length - scan.row, kArrowBatchRows);
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

Statement ScanArrow(const ArrowSource& source) {
  auto table = duckdb::make_uniq<duckdb::TableFunctionRef>();
  duckdb::vector<duckdb::unique_ptr<duckdb::ParsedExpression>> arguments;
  // As DuckDB's Arrow scan takes them: the source, how to open it, how to read its schema.
  for (auto pointer :
       {reinterpret_cast<uintptr_t>(&source.batches()), reinterpret_cast<uintptr_t>(&Open),
        reinterpret_cast<uintptr_t>(&GetSchema)}) {
    arguments.push_back(
        duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value::POINTER(pointer)));
  }
  table->function = duckdb::make_uniq<duckdb::FunctionExpression>(
      SYSTEM_CATALOG, DEFAULT_SCHEMA, kArrowScanFunction, std::move(arguments));
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
    function.name = kArrowScanFunction;
    function.filter_pushdown = false;
    function.filter_prune = false;
    function.cardinality = kGuarded<CardinalityOf>;
    duckdb::CreateTableFunctionInfo info(function);
    info.on_conflict = duckdb::OnCreateConflict::IGNORE_ON_CONFLICT;
    catalog.CreateTableFunction(*connection.context, info);
  });
}

}  // namespace smallpond
