#include "duckdb_adapter/exchange/exchange_write.h"

#include "duckdb/function/copy_function.hpp"
#include "duckdb/parallel/task_scheduler.hpp"
#include "duckdb/storage/buffer_manager.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/exchange/exchange_connection_state.h"
#include "duckdb_adapter/exchange/exchange_run_builder.h"

namespace smallpond {
namespace {

using duckdb::ClientContext;
using duckdb::ExecutionContext;
using duckdb::idx_t;

// What is left out as BUFFER_BYTES: small beside what joins and sorts of the same task need.
constexpr uint64_t kDefaultBufferBytes = uint64_t{128} << 20;
constexpr uint64_t kShareOfMemoryLimit = 8;
// Rows of a run while they are written: as they came, and grouped, and packed; never all three.
constexpr uint64_t kCopiesOfRow = 2;
// A run of a batch, when the order is kept.
constexpr idx_t kBatchRows = 60 * STANDARD_VECTOR_SIZE;

struct WriteBindData : duckdb::FunctionData {
  std::string file;  // Empty: where COPY says.
  uint32_t num_partitions = 1;
  size_t num_keys = 1;
  PartitionFunction function = PartitionFunction::kNumber;
  uint64_t buffer_bytes = 0;
  ExchangeCodec codec = ExchangeCopyOptions().codec;
  ExchangeDescription description;
  std::vector<ExchangeLayout> columns;

  duckdb::unique_ptr<FunctionData> Copy() const override {
    return duckdb::make_uniq<WriteBindData>(*this);
  }
  bool Equals(const FunctionData&) const override { return false; }
};

// Counts the buffers in DuckDB's memory limit, whole and in advance, so that they don't come on top
// of it.
class Reservation {
 public:
  Reservation(ClientContext& context, uint64_t bytes)
      : buffer_manager_(duckdb::BufferManager::GetBufferManager(context)), bytes_(bytes) {
    buffer_manager_.ReserveMemory(bytes_);
  }
  ~Reservation() { buffer_manager_.FreeReservedMemory(bytes_); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

 private:
  duckdb::BufferManager& buffer_manager_;
  const uint64_t bytes_;
};

struct WriteState : duckdb::GlobalFunctionData {
  WriteState(ClientContext& context, const WriteBindData& bind, const std::string& path)
      : reservation(context, bind.buffer_bytes),
        writer(path, bind.num_partitions, bind.description.ToBytes()) {}

  Reservation reservation;
  ExchangeWriter writer;
};

struct WriteThreadState : duckdb::LocalFunctionData {
  std::optional<ExchangeRunBuilder> builder;
};

struct WriteBatch : duckdb::PreparedBatchData {
  std::vector<ExchangeRun> runs;
};

uint64_t NumberOption(const std::string& name, const duckdb::Value& value) {
  duckdb::Value number;
  std::string error;
  if (value.IsNull() ||
      !value.DefaultTryCastAs(duckdb::LogicalType::UBIGINT, number, &error, true)) {
    throw duckdb::BinderException("%s of an exchange file is no whole number: %s.", name,
                                  value.ToString());
  }
  return number.GetValue<uint64_t>();
}

constexpr const char* kFunctionNames[] = {"number", "hash", "modulo", "range"};

PartitionFunction FunctionByName(const std::string& name) {
  for (auto function : {PartitionFunction::kNumber, PartitionFunction::kHash,
                        PartitionFunction::kModulo, PartitionFunction::kRange}) {
    if (name == kFunctionNames[static_cast<int>(function)]) return function;
  }
  throw duckdb::BinderException(
      "Exchange files have no PARTITION_FUNCTION %s, only number, hash, modulo and range.", name);
}

void ReadOption(const std::string& name, const duckdb::vector<duckdb::Value>& values,
                WriteBindData& bind) {
  if (values.size() != 1) {
    throw duckdb::BinderException("%s of an exchange file takes one value.", name);
  }
  if (name == "partitions") {
    uint64_t number = NumberOption("PARTITIONS", values[0]);
    if (number == 0 || number > std::numeric_limits<uint32_t>::max()) {
      throw duckdb::BinderException("PARTITIONS of an exchange file is out of range: %llu.",
                                    number);
    }
    bind.num_partitions = static_cast<uint32_t>(number);
  } else if (name == "keys") {
    bind.num_keys = NumberOption("KEYS", values[0]);
  } else if (name == "partition_function") {
    bind.function = FunctionByName(values[0].ToString());
  } else if (name == "buffer_bytes") {
    bind.buffer_bytes = NumberOption("BUFFER_BYTES", values[0]);
  } else if (name == "codec") {
    bind.codec = ExchangeCodecByName(duckdb::StringUtil::Lower(values[0].ToString()));
  } else if (name == "file") {
    bind.file = values[0].ToString();
  } else {
    throw duckdb::BinderException(
        "Exchange files have no option %s, only FILE, PARTITIONS, KEYS, PARTITION_FUNCTION, "
        "BUFFER_BYTES and CODEC.",
        name);
  }
}

void CheckKeys(const WriteBindData& bind, const duckdb::vector<duckdb::LogicalType>& types) {
  if (bind.num_keys == 0 || bind.num_keys > types.size()) {
    throw duckdb::BinderException(
        "A query for several partitions ends with their %llu keys. It has %llu columns.",
        static_cast<uint64_t>(bind.num_keys), static_cast<uint64_t>(types.size()));
  }
  if (bind.function == PartitionFunction::kHash) return;
  if (bind.num_keys == 1 && types.back().IsIntegral() &&
      types.back().id() != duckdb::LogicalTypeId::HUGEINT &&
      types.back().id() != duckdb::LogicalTypeId::UHUGEINT) {
    return;
  }
  throw duckdb::BinderException(
      "The last column of a query for several partitions is the partition number, of an integer "
      "type. It is %s.",
      types.back().ToString());
}

duckdb::unique_ptr<duckdb::FunctionData> BindWrite(
    ClientContext& context, duckdb::CopyFunctionBindInput& input,
    const duckdb::vector<std::string>& names, const duckdb::vector<duckdb::LogicalType>& types) {
  auto bind = duckdb::make_uniq<WriteBindData>();
  for (auto& [name, values] : input.info.options) {
    ReadOption(duckdb::StringUtil::Lower(name), values, *bind);
  }
  bind->description.names = names;
  bind->description.types = types;
  bind->description.codec = static_cast<uint8_t>(bind->codec);
  if (bind->num_partitions > 1) {
    CheckKeys(*bind, types);
    bind->description.names.resize(names.size() - bind->num_keys);
    bind->description.types.resize(types.size() - bind->num_keys);
  }
  for (auto& type : bind->description.types) bind->columns.emplace_back(type);
  if (bind->buffer_bytes == 0) {
    auto limit = duckdb::BufferManager::GetBufferManager(context).GetMaxMemory();
    bind->buffer_bytes = std::min(kDefaultBufferBytes, limit / kShareOfMemoryLimit);
  }
  return bind;
}

duckdb::unique_ptr<duckdb::GlobalFunctionData> OpenWrite(ClientContext& context,
                                                         duckdb::FunctionData& bind,
                                                         const std::string& path) {
  const auto& write = bind.Cast<WriteBindData>();
  return duckdb::make_uniq<WriteState>(context, write, write.file.empty() ? path : write.file);
}

duckdb::unique_ptr<duckdb::LocalFunctionData> OpenThread(ExecutionContext&, duckdb::FunctionData&) {
  return duckdb::make_uniq<WriteThreadState>();
}

ExchangeRunBuilder& BuilderOf(ExecutionContext& context, const WriteBindData& bind,
                              WriteState& state, WriteThreadState& thread) {
  if (!thread.builder) {
    auto threads = duckdb::TaskScheduler::GetScheduler(context.client).NumberOfThreads();
    auto limit = bind.buffer_bytes / kCopiesOfRow / static_cast<uint64_t>(std::max(threads, 1));
    thread.builder.emplace(state.writer, bind.columns, bind.function, bind.num_partitions,
                           bind.codec, limit,
                           [&writer = state.writer](ExchangeRun& run) { writer.Append(run); });
  }
  return *thread.builder;
}

void Sink(ExecutionContext& context, duckdb::FunctionData& bind, duckdb::GlobalFunctionData& state,
          duckdb::LocalFunctionData& thread, duckdb::DataChunk& chunk) {
  BuilderOf(context, bind.Cast<WriteBindData>(), state.Cast<WriteState>(),
            thread.Cast<WriteThreadState>())
      .Append(chunk);
}

void Combine(ExecutionContext&, duckdb::FunctionData&, duckdb::GlobalFunctionData&,
             duckdb::LocalFunctionData& thread) {
  auto& builder = thread.Cast<WriteThreadState>().builder;
  if (builder) builder->Flush();
  builder.reset();
}

void Finalize(ClientContext& context, duckdb::FunctionData&, duckdb::GlobalFunctionData& state) {
  auto summary = state.Cast<WriteState>().writer.Finish();
  auto connection = ExchangeConnectionState::Of(context);
  std::lock_guard lock(connection->mutex);
  connection->written = std::move(summary);
}

// Keeping the order: DuckDB collects batches of rows with all threads, each becomes a run (or some,
// if its rows are large), and the runs are written in the batches' order.
duckdb::unique_ptr<duckdb::PreparedBatchData> PrepareBatch(
    ClientContext&, duckdb::FunctionData& bind_data, duckdb::GlobalFunctionData& state,
    duckdb::unique_ptr<duckdb::ColumnDataCollection> rows) {
  auto& bind = bind_data.Cast<WriteBindData>();
  auto batch = duckdb::make_uniq<WriteBatch>();
  auto& writer = state.Cast<WriteState>().writer;
  auto keep = [&](ExchangeRun& run) { batch->runs.push_back(std::move(run)); };
  ExchangeRunBuilder builder(writer, bind.columns, bind.function, bind.num_partitions, bind.codec,
                             bind.buffer_bytes / kCopiesOfRow, keep);
  for (auto& chunk : rows->Chunks()) builder.Append(chunk);
  builder.Flush();
  return batch;
}

void FlushBatch(ClientContext&, duckdb::FunctionData&, duckdb::GlobalFunctionData& state,
                duckdb::PreparedBatchData& batch) {
  for (auto& run : batch.Cast<WriteBatch>().runs) state.Cast<WriteState>().writer.Append(run);
}

idx_t DesiredBatchSize(ClientContext&, duckdb::FunctionData&) { return kBatchRows; }

duckdb::CopyFunctionExecutionMode ExecutionMode(bool preserve_order, bool supports_batch_index) {
  using Mode = duckdb::CopyFunctionExecutionMode;
  if (!preserve_order) return Mode::PARALLEL_COPY_TO_FILE;
  return supports_batch_index ? Mode::BATCH_COPY_TO_FILE : Mode::REGULAR_COPY_TO_FILE;
}

}  // namespace

duckdb::CopyFunction ExchangeCopyFunction() {
  duckdb::CopyFunction function("smallpond_exchange");
  function.copy_to_bind = kGuarded<BindWrite>;
  function.copy_to_initialize_global = kGuarded<OpenWrite>;
  function.copy_to_initialize_local = kGuarded<OpenThread>;
  function.copy_to_sink = kGuarded<Sink>;
  function.copy_to_combine = kGuarded<Combine>;
  function.copy_to_finalize = kGuarded<Finalize>;
  function.prepare_batch = kGuarded<PrepareBatch>;
  function.flush_batch = kGuarded<FlushBatch>;
  function.desired_batch_size = kGuarded<DesiredBatchSize>;
  function.execution_mode = kGuarded<ExecutionMode>;
  function.extension = "exchange";
  return function;
}

std::string ExchangeCopyTarget(const std::string& path, const ExchangeCopyOptions& options) {
  static constexpr const char* kCodecNames[] = {"none", "lz4", "zstd"};
  auto quote = [](const std::string& text) {
    return duckdb::KeywordHelper::WriteQuoted(text, '\'');
  };
  std::string sql = "TO " + quote(options.stand_in.empty() ? path : options.stand_in);
  sql += " (FORMAT smallpond_exchange, FILE " + quote(path);
  const ExchangeOutput& output = options.output;
  sql += ", PARTITIONS " + std::to_string(output.num_partitions);
  if (output.num_partitions > 1) {
    sql += ", KEYS " + std::to_string(output.num_keys) + ", PARTITION_FUNCTION '" +
           kFunctionNames[static_cast<int>(output.function)] + "'";
  }
  if (options.buffer_bytes > 0) sql += ", BUFFER_BYTES " + std::to_string(options.buffer_bytes);
  sql += std::string(", CODEC '") + kCodecNames[static_cast<int>(options.codec)] + "'";
  // The name is this attempt's own: no other is needed while it is written.
  sql += ", USE_TMP_FILE false, PRESERVE_ORDER ";
  return sql + (output.ordered ? "true)" : "false)");
}

std::optional<ExchangeFileSummary> TakeExchangeWriteSummary(Connection& connection) {
  auto state = ExchangeConnectionState::Of(connection.handle().context());
  std::lock_guard lock(state->mutex);
  return std::exchange(state->written, std::nullopt);
}

}  // namespace smallpond
