#include "duckdb_adapter/exchange/exchange_scan.h"

#include <atomic>
#include <deque>

#include "duckdb/parser/parsed_data/create_copy_function_info.hpp"
#include "duckdb/planner/expression_binder.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/connection/database_instance.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/exchange/exchange_block_decoder.h"
#include "duckdb_adapter/exchange/exchange_connection_state.h"
#include "duckdb_adapter/exchange/exchange_scan_data.h"
#include "duckdb_adapter/exchange/exchange_write.h"

namespace smallpond {
namespace {

using duckdb::ClientContext;
using duckdb::FunctionData;
using duckdb::idx_t;

// Up to this many parts are opened before the scan starts, so that the threads share out their
// extents. More are opened one by one, and each is read by one thread.
constexpr size_t kPartsOpenedFirst = 32;
constexpr uint64_t kUnitBytes = uint64_t{8} << 20;

// Runs what reads a part. A part that can't be read is remembered, since DuckDB's errors carry no
// more than a kind and a text.
template <class Work>
auto ReadingPart(ExchangeConnectionState& state, const ExchangeInput::Part& part, Work&& work) {
  try {
    return work();
  } catch (const ExchangeFileError&) {
    std::lock_guard lock(state.mutex);
    if (!state.lost) state.lost = part;
    throw;
  }
}

std::shared_ptr<const ExchangeInput> FindInput(ExchangeConnectionState& state, int input_id) {
  std::lock_guard lock(state.mutex);
  auto found = state.inputs.find(input_id);
  if (found == state.inputs.end()) {
    throw duckdb::InvalidInputException(
        "Exchange input %d has no files on this connection: SetExchangeInputs was not called.",
        input_id);
  }
  return found->second;
}

// A column of NULLs has the type NULL in a plan; a SELECT that writes it makes it one of INTEGER,
// which lies in memory as NULL does.
duckdb::vector<duckdb::LogicalType> WithoutNullTypes(
    const duckdb::vector<duckdb::LogicalType>& types) {
  duckdb::vector<duckdb::LogicalType> without;
  for (const auto& type : types) {
    without.push_back(duckdb::ExpressionBinder::ExchangeNullType(type));
  }
  return without;
}

// One part while it is read. Closed with its last unit.
struct OpenPart {
  OpenPart(const ExchangeInput::Part& of_part, const ExchangeScanData& bind)
      : part(of_part), reader(of_part.path, of_part.file_id, of_part.content) {
    auto description = ExchangeDescription::FromBytes(reader.description());
    if (WithoutNullTypes(description.types) != WithoutNullTypes(bind.types)) {
      throw Error(ErrorKind::kInternal,
                  "Exchange file " + part.path + " has other columns than its reader expects.");
    }
    codec = static_cast<ExchangeCodec>(description.codec);
  }

  const ExchangeInput::Part& part;
  ExchangeReader reader;
  ExchangeCodec codec;
};

// What one thread reads in one go. Without extents: the whole part, which is not opened yet.
struct ScanUnit {
  const ExchangeInput::Part* part = nullptr;
  std::shared_ptr<OpenPart> open;  // With all units of the part.
  std::deque<ExchangeExtent> extents;
  uint64_t bytes = 0;
};

struct ScanState : duckdb::GlobalTableFunctionState {
  ScanState(ClientContext& context, const ExchangeScanData& bind_data,
            duckdb::TableFunctionInitInput& in)
      : bind(bind_data),
        connection(ExchangeConnectionState::Of(context)),
        input(FindInput(*connection, bind_data.input_id)) {
    for (auto& type : bind.types) layouts.emplace_back(type);
    for (auto id : in.column_ids) {
      shows_writer = shows_writer || id == kWriterColumnId;
      columns.push_back(id == kWriterColumnId         ? layouts.size() + 1
                        : duckdb::IsVirtualColumn(id) ? layouts.size()
                                                      : id);
    }
    MakeUnits();
  }

  idx_t MaxThreads() const override { return units.empty() ? 1 : units.size(); }

  void MakeUnits();
  std::shared_ptr<OpenPart> Open(const ExchangeInput::Part& part) const {
    return std::make_shared<OpenPart>(part, bind);
  }

  const ExchangeScanData& bind;
  const duckdb::shared_ptr<ExchangeConnectionState> connection;
  const std::shared_ptr<const ExchangeInput> input;  // Outlives a change of the registry.
  std::vector<ExchangeLayout> layouts;
  // Of the file, by position in the output. Beyond are the empty column and the writer's number.
  std::vector<size_t> columns;
  bool shows_writer = false;
  std::deque<ScanUnit> units;
  std::atomic<size_t> next_unit = 0;
};

void ScanState::MakeUnits() {
  bool open_first = input->parts.size() <= kPartsOpenedFirst;
  for (auto& part : input->parts) {
    if (part.partition_begin == part.partition_end) continue;
    if (!open_first) {
      units.push_back({&part, nullptr, {}});
      continue;
    }
    ReadingPart(*connection, part, [&] {
      auto open = Open(part);
      auto extents = open->reader.Extents(part.partition_begin, part.partition_end, kUnitBytes);
      for (auto& extent : extents) {
        bool joins = !units.empty() && units.back().open == open &&
                     units.back().bytes + extent.bytes <= kUnitBytes;
        if (!joins) units.push_back({&part, open, {}});
        units.back().extents.push_back(extent);
        units.back().bytes += extent.bytes;
      }
    });
  }
}

struct ScanThreadState : duckdb::LocalTableFunctionState {
  ScanUnit unit;
  idx_t unit_number = 0;
  ExchangeDecompressor decompressor;
  std::optional<ExchangeBlockReader> blocks;
  std::optional<ExchangeBlockDecoder> block;
};

// Takes the next unit; the numbers of a thread's units ascend.
bool TakeUnit(ScanState& state, ScanThreadState& thread) {
  thread.unit_number = state.next_unit++;
  if (thread.unit_number >= state.units.size()) return false;
  thread.unit = std::move(state.units[thread.unit_number]);
  auto& unit = thread.unit;
  if (unit.open) return true;
  return ReadingPart(*state.connection, *unit.part, [&] {
    unit.open = state.Open(*unit.part);
    auto extents =
        unit.open->reader.Extents(unit.part->partition_begin, unit.part->partition_end, kUnitBytes);
    unit.extents.assign(extents.begin(), extents.end());
    return true;
  });
}

// Goes to the next block of the unit, if there is one.
bool NextBlock(ScanState& state, ScanThreadState& thread) {
  auto& unit = thread.unit;
  if (!unit.open) return false;
  return ReadingPart(*state.connection, *unit.part, [&] {
    for (;;) {
      ExchangeBlock block;
      if (thread.blocks && thread.blocks->Next(&block)) {
        thread.block.emplace(state.layouts, unit.open->reader.path(), unit.open->codec,
                             thread.decompressor, block);
        return true;
      }
      thread.blocks.reset();
      if (unit.extents.empty()) return false;
      thread.blocks.emplace(unit.open->reader, unit.extents.front());
      unit.extents.pop_front();
    }
  });
}

void Scan(ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  auto& state = input.global_state->Cast<ScanState>();
  auto& thread = input.local_state->Cast<ScanThreadState>();
  size_t rows = 0;
  while (rows < STANDARD_VECTOR_SIZE) {
    if (!thread.block || thread.block->rows_left() == 0) {
      thread.block.reset();
      if (NextBlock(state, thread)) continue;
      // A chunk belongs to one unit where somebody would notice.
      if (rows > 0 && (state.bind.ordered || state.shows_writer)) break;
      if (!TakeUnit(state, thread)) break;
      continue;
    }
    size_t count = std::min<size_t>(thread.block->rows_left(), STANDARD_VECTOR_SIZE - rows);
    ReadingPart(*state.connection, *thread.unit.part,
                [&] { thread.block->Decode(state.columns, count, out, rows); });
    rows += count;
  }
  for (size_t i = 0; i < state.columns.size(); ++i) {
    if (state.columns[i] < state.layouts.size()) continue;
    bool is_writer = state.columns[i] > state.layouts.size() && rows > 0;
    out.data[i].Reference(is_writer ? duckdb::Value::BIGINT(thread.unit.part->task)
                                    : duckdb::Value(out.data[i].GetType()));
  }
  out.SetCardinality(rows);
}

bool FindPlanned(ExchangeConnectionState& state, ExchangeScanData& bind) {
  std::lock_guard lock(state.mutex);
  auto found = state.planned.find(bind.input_id);
  if (found == state.planned.end()) return false;
  bind.names = found->second.names;
  bind.types = found->second.types;
  bind.estimated_rows = found->second.estimated_rows;
  return true;
}

duckdb::unique_ptr<FunctionData> Bind(ClientContext& context, duckdb::TableFunctionBindInput& input,
                                      duckdb::vector<duckdb::LogicalType>& types,
                                      duckdb::vector<std::string>& names) {
  auto bind = duckdb::make_uniq<ExchangeScanData>();
  bind->input_id = input.inputs[0].GetValue<int32_t>();
  auto state = ExchangeConnectionState::Of(context);
  if (FindPlanned(*state, *bind)) {
    names = bind->names;
    types = bind->types;
    return bind;
  }
  auto found = FindInput(*state, bind->input_id);
  if (found->parts.empty()) {
    throw duckdb::BinderException("Exchange input %d has no file to take columns from.",
                                  bind->input_id);
  }
  ReadingPart(*state, found->parts[0], [&] {
    const ExchangeInput::Part& first = found->parts[0];
    ExchangeReader reader(first.path, first.file_id, first.content);
    auto description = ExchangeDescription::FromBytes(reader.description());
    bind->names = names = description.names;
    bind->types = types = description.types;
    bind->estimated_rows = reader.num_rows() * found->parts.size();
  });
  return bind;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitializeGlobal(
    ClientContext& context, duckdb::TableFunctionInitInput& input) {
  return duckdb::make_uniq<ScanState>(context, input.bind_data->Cast<ExchangeScanData>(), input);
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> InitializeLocal(
    duckdb::ExecutionContext&, duckdb::TableFunctionInitInput&, duckdb::GlobalTableFunctionState*) {
  return duckdb::make_uniq<ScanThreadState>();
}

duckdb::unique_ptr<duckdb::NodeStatistics> Cardinality(ClientContext&, const FunctionData* bind) {
  return duckdb::make_uniq<duckdb::NodeStatistics>(bind->Cast<ExchangeScanData>().estimated_rows);
}

double Progress(ClientContext&, const FunctionData*,
                const duckdb::GlobalTableFunctionState* global_state) {
  auto& state = global_state->Cast<ScanState>();
  if (state.units.empty()) return 100;
  auto taken = std::min(state.next_unit.load(), state.units.size());
  return 100.0 * static_cast<double>(taken) / static_cast<double>(state.units.size());
}

duckdb::OperatorPartitionData PartitionData(ClientContext&,
                                            duckdb::TableFunctionGetPartitionInput& input) {
  if (input.partition_info.RequiresPartitionColumns()) {
    throw Error(ErrorKind::kInternal, "An exchange scan knows no partition columns.");
  }
  return duckdb::OperatorPartitionData(input.local_state->Cast<ScanThreadState>().unit_number);
}

}  // namespace

duckdb::TableFunction ExchangeScanFunction() {
  duckdb::TableFunction function(kExchangeScanName, {duckdb::LogicalType::INTEGER}, kGuarded<Scan>,
                                 kGuarded<Bind>);
  function.init_global = kGuarded<InitializeGlobal>;
  function.init_local = kGuarded<InitializeLocal>;
  function.projection_pushdown = true;
  function.cardinality = kGuarded<Cardinality>;
  function.table_scan_progress = kGuarded<Progress>;
  function.get_partition_data = kGuarded<PartitionData>;
  function.get_virtual_columns = kGuarded<ExchangeVirtualColumns>;
  function.serialize = kGuarded<SerializeExchangeScan>;
  function.deserialize = kGuarded<DeserializeExchangeScan>;
  return function;
}

void RegisterExchange(Database& database) {
  TranslatingErrors([&] {
    duckdb::Connection connection(database.instance().duckdb);
    connection.context->RunFunctionInTransaction([&] {
      auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
      duckdb::CreateTableFunctionInfo scan(ExchangeScanFunction());
      scan.on_conflict = duckdb::OnCreateConflict::IGNORE_ON_CONFLICT;
      catalog.CreateTableFunction(*connection.context, scan);
      duckdb::CreateCopyFunctionInfo copy(ExchangeCopyFunction());
      copy.schema = DEFAULT_SCHEMA;
      copy.on_conflict = duckdb::OnCreateConflict::IGNORE_ON_CONFLICT;
      catalog.CreateCopyFunction(*connection.context, copy);
    });
  });
}

void SetExchangeInputs(Connection& connection, std::map<int, ExchangeInput> inputs) {
  auto state = ExchangeConnectionState::Of(connection.handle().context());
  std::lock_guard lock(state->mutex);
  state->inputs.clear();
  for (auto& [id, input] : inputs) {
    state->inputs[id] = std::make_shared<const ExchangeInput>(std::move(input));
  }
  state->lost.reset();
}

std::optional<ExchangeInput::Part> LostInput(Connection& connection) {
  auto state = ExchangeConnectionState::Of(connection.handle().context());
  std::lock_guard lock(state->mutex);
  return state->lost;
}

}  // namespace smallpond
