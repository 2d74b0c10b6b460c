#include "duckdb_adapter/files/file_errors.h"

#include <array>
#include <atomic>
#include <filesystem>
#include <string>
#include <utility>

#include "duckdb/common/multi_file/multi_file_states.hpp"
#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/errors.h"
#include "storage/files/paths.h"
#include "storage/input/table_formats.h"

namespace smallpond {
namespace {

using duckdb::ExceptionType;

constexpr std::array kReaders = {"read_parquet",  "parquet_scan",    "read_csv",
                                 "read_csv_auto", "read_json",       "read_json_auto",
                                 "read_ndjson",   "read_ndjson_auto"};

std::string Joined(const std::vector<std::string>& paths) {
  std::string text;
  for (const auto& path : paths) text += (text.empty() ? "'" : " or '") + path + "'";
  return text;
}

// Whether the error says already what is wrong, or is none of the file's.
bool IsClear(const duckdb::ErrorData& error, const std::vector<std::string>& paths) {
  if (error.Type() == ExceptionType::OUT_OF_MEMORY || error.Type() == ExceptionType::INTERRUPT ||
      error.Message().find("bad_alloc") != std::string::npos) {
    return true;
  }
  bool is_bare = error.Type() == ExceptionType::INVALID || error.Type() == ExceptionType::INTERNAL;
  if (is_bare) return false;
  for (const auto& path : paths) {
    if (error.Message().find(path) != std::string::npos) return true;
  }
  return false;
}

// Throws the error that is being handled, with the file that was being read. A bare exception in
// a reader comes from the bytes of the file, which some library did not expect.
[[noreturn]] void ThrowNamed(const duckdb::ErrorData& error,
                             const std::vector<std::string>& paths) {
  if (paths.empty() || IsClear(error, paths)) throw;
  bool is_bare = error.Type() == ExceptionType::INVALID || error.Type() == ExceptionType::INTERNAL;
  if (is_bare) {
    throw duckdb::IOException("The file " + Joined(paths) + " is damaged: " + error.RawMessage() +
                              ". Replace it by a whole copy.");
  }
  throw duckdb::Exception(error.Type(),
                          error.RawMessage() + " (while reading " + Joined(paths) + ")");
}

std::vector<std::string> PathsOf(const duckdb::Value& argument) {
  std::vector<std::string> paths;
  if (argument.IsNull()) return paths;
  if (argument.type().id() == duckdb::LogicalTypeId::VARCHAR) {
    paths.push_back(duckdb::StringValue::Get(argument));
  } else if (argument.type().id() == duckdb::LogicalTypeId::LIST) {
    for (const auto& path : duckdb::ListValue::GetChildren(argument)) {
      if (!path.IsNull()) paths.push_back(path.ToString());
    }
  }
  return paths;
}

// The file that a thread was reading when it failed. A file that could not be opened is none's
// yet; others may be opened at that moment.
std::vector<std::string> FilesBeingRead(const duckdb::LocalTableFunctionState* local,
                                        duckdb::GlobalTableFunctionState& global) {
  auto& state = global.Cast<duckdb::MultiFileGlobalState>();
  std::vector<std::string> opening;
  {
    duckdb::lock_guard<duckdb::mutex> guard(state.lock);
    if (state.error_opening_file) {
      for (const auto& reader : state.readers) {
        if (reader->file_state != duckdb::MultiFileFileState::OPENING) continue;
        opening.push_back(reader->union_data ? reader->union_data->GetFileName()
                                             : reader->file_to_be_opened.path);
      }
    }
  }
  if (!opening.empty() || !local) return opening;
  const auto& reader = local->Cast<duckdb::MultiFileLocalState>().reader;
  return reader ? std::vector<std::string>{reader->GetFileName()} : std::vector<std::string>{};
}

bool IsOfParquet(const std::string& reader) {
  return reader == "read_parquet" || reader == "parquet_scan";
}

// The files of a table of Delta Lake and the like are Parquet files, of which only its log says
// which count. Readers of the logs are functions of other names around the same bind.
void RefuseTableFormats(const duckdb::MultiFileBindData& scan) {
  TableFormats formats;
  for (const auto& file : scan.file_list->GetAllFiles()) {
    if (IsRemote(file.path)) continue;
    std::error_code error;
    auto path = std::filesystem::absolute(file.path, error).lexically_normal();
    std::string why = formats.WhyUnreadable(path.parent_path());
    if (!why.empty()) throw duckdb::NotImplementedException(why);
  }
}

// DuckDB names the file that differs, and not the one that said what the columns are.
std::string WithFirstFile(const std::string& message, const duckdb::FunctionData* bind_data) {
  bool differs = message.find("but we are trying to read it as type") != std::string::npos;
  if (!differs || !bind_data) return message;
  const auto& files = *bind_data->Cast<duckdb::MultiFileBindData>().file_list;
  std::string first = files.GetFirstFile().path;
  if (message.find("'" + first + "'") != std::string::npos) return message;
  return message.substr(0, message.find("\nThis can happen")) + "\nThat is its type in '" + first +
         "', the first file, which says what the columns are. Read both with union_by_name=True, "
         "or leave one out.";
}

// The functions of one reader around DuckDB's own. A table function is a set of plain pointers, so
// that each reader needs functions of its own.
template <size_t kReader>
struct Named {
  static inline std::atomic<duckdb::table_function_bind_t> bind = nullptr;
  static inline std::atomic<duckdb::table_function_init_local_t> init_local = nullptr;
  static inline std::atomic<duckdb::table_function_t> scan = nullptr;

  static duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                                       duckdb::TableFunctionBindInput& input,
                                                       duckdb::vector<duckdb::LogicalType>& types,
                                                       duckdb::vector<duckdb::string>& names) {
    try {
      auto scan = bind.load()(context, input, types, names);
      if (IsOfParquet(kReaders[kReader]) && IsOfParquet(input.table_function.name)) {
        RefuseTableFormats(scan->Cast<duckdb::MultiFileBindData>());
      }
      return scan;
    } catch (const std::exception& error) {
      duckdb::ErrorData data(error);
      auto paths = input.inputs.empty() ? std::vector<std::string>{} : PathsOf(input.inputs[0]);
      if (paths.size() > 1 && !IsClear(data, paths))
        paths = {FirstThatFails(context, input, paths)};
      ThrowNamed(data, paths);
    }
  }

  // Binds one file after the other. All of them were opened, or the first one failed.
  static std::string FirstThatFails(duckdb::ClientContext& context,
                                    duckdb::TableFunctionBindInput& input,
                                    const std::vector<std::string>& paths) {
    for (const auto& path : paths) {
      duckdb::vector<duckdb::Value> inputs = {
          duckdb::Value::LIST(duckdb::LogicalType::VARCHAR, {duckdb::Value(path)})};
      duckdb::TableFunctionBindInput single(inputs, input.named_parameters, input.input_table_types,
                                            input.input_table_names, input.info, input.binder,
                                            input.table_function, input.ref);
      duckdb::vector<duckdb::LogicalType> types;
      duckdb::vector<duckdb::string> names;
      try {
        bind.load()(context, single, types, names);
      } catch (const std::exception&) {
        return path;
      }
    }
    return Joined(paths);
  }

  static duckdb::unique_ptr<duckdb::LocalTableFunctionState> InitLocal(
      duckdb::ExecutionContext& context, duckdb::TableFunctionInitInput& input,
      duckdb::GlobalTableFunctionState* global) {
    try {
      return init_local.load()(context, input, global);
    } catch (const std::exception& error) {
      ThrowNamed(duckdb::ErrorData(error), FilesBeingRead(nullptr, *global));
    }
  }

  static void Scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input,
                   duckdb::DataChunk& output) {
    try {
      scan.load()(context, input, output);
    } catch (const std::exception& error) {
      duckdb::ErrorData data(error);
      std::string message = WithFirstFile(data.RawMessage(), input.bind_data.get());
      if (message != data.RawMessage()) throw duckdb::Exception(data.Type(), message);
      ThrowNamed(data, FilesBeingRead(input.local_state.get(), *input.global_state));
    }
  }

  static void Replace(duckdb::ClientContext& context, duckdb::Catalog& catalog) {
    auto entry = catalog.GetEntry<duckdb::TableFunctionCatalogEntry>(
        context, DEFAULT_SCHEMA, kReaders[kReader], duckdb::OnEntryNotFound::RETURN_NULL);
    if (!entry) return;  // A DuckDB without this format.
    for (auto& function : entry->functions.functions) {
      bind = function.bind;  // The same for all of them: they differ in a path and a list of paths.
      init_local = function.init_local;
      scan = function.function;
      function.bind = kGuarded<Bind>;
      function.init_local = kGuarded<InitLocal>;
      function.function = kGuarded<Scan>;
    }
  }
};

}  // namespace

void NameFilesInErrors(duckdb::DatabaseInstance& database) {
  duckdb::Connection connection(database);
  connection.context->RunFunctionInTransaction([&] {
    auto& catalog = duckdb::Catalog::GetSystemCatalog(*connection.context);
    [&]<size_t... kReader>(std::index_sequence<kReader...>) {
      (Named<kReader>::Replace(*connection.context, catalog), ...);
    }(std::make_index_sequence<kReaders.size()>{});
  });
}

}  // namespace smallpond
