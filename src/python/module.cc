#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/machine.h"
#include "base/nearest_option.h"
#include "base/secrets.h"
#include "base/standard_errors.h"
#include "base/worker_layout.h"
#include "cli/run.h"
#include "duckdb_adapter/sql/sql_clause.h"
#include "planner/scan_splits.h"
#include "python/arrow_capsule.h"
#include "python/core_call.h"
#include "python/error_class.h"
#include "python/executors.h"
#include "python/python_ticker.h"
#include "python/write.h"
#include "session/internals.h"
#include "smallpond/smallpond.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace smallpond {
namespace {

// Raises smallpond.errors.<Kind>Error. What is no Error is left to nanobind: its own exceptions and
// those of Python, which pass through the core.
void TranslateError(const std::exception_ptr& exception, void*) {
  try {
    try {
      std::rethrow_exception(exception);
    } catch (const nb::builtin_exception&) {
      throw;
    } catch (const std::exception&) {
      ThrowStandardError();
    }
  } catch (const Error& error) {
    nb::object type = ErrorClass(ErrorKindName(error.kind()));
    // The text may quote bytes of a damaged file.
    std::string text = error.what();
    nb::object decoded = nb::steal(PyUnicode_DecodeUTF8(
        text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
    PyErr_SetObject(type.ptr(), decoded.ptr());
  }
}

using NamedFrames = std::map<std::string, DataFrame>;

std::function<std::optional<DataFrame>(const std::string&)> PythonResolver(
    const nb::object& resolve) {
  if (resolve.is_none()) return {};
  return [&resolve](const std::string& name) -> std::optional<DataFrame> {
    Locked locked;
    nb::object found = resolve(name);
    if (found.is_none()) return std::nullopt;
    return nb::cast<DataFrame>(found);
  };
}

// The names that the resolver finds: what its own method `names` returns.
std::function<std::vector<std::string>()> NamesInReach(const nb::object& resolve) {
  if (resolve.is_none()) return {};
  return [&resolve] {
    Locked locked;
    return nb::cast<std::vector<std::string>>(resolve.attr("names")());
  };
}

std::optional<MergeMode> ParseMerge(const std::optional<std::string>& merge) {
  if (!merge) return std::nullopt;
  Options options;
  options.Set("merge", *merge);
  return options.merge;
}

DataFrame RunSql(Session& session, const std::string& query, std::vector<DataFrame> positional,
                 NamedFrames named, std::vector<Value> params,
                 std::map<std::string, Value> named_params, nb::object resolve, bool partial,
                 std::optional<std::string> merge) {
  nb::object nobody = nb::none();
  SqlInputs inputs{std::move(positional),   std::move(named),        std::move(params),
                   std::move(named_params), PythonResolver(resolve), NamesInReach(resolve),
                   PythonTicker(nobody)};
  Unlocked unlocked;
  return partial ? session.PartialSql(query, inputs, ParseMerge(merge))
                 : session.Sql(query, inputs);
}

void Execute(Session& session, const std::string& sql, std::vector<Value> params,
             std::map<std::string, Value> named_params, nb::object resolve) {
  nb::object nobody = nb::none();
  SqlInputs inputs{.params = std::move(params),
                   .named_params = std::move(named_params),
                   .resolve = PythonResolver(resolve),
                   .ticker = PythonTicker(nobody)};
  Unlocked unlocked;
  session.Execute(sql, inputs);
}

using Paths = std::vector<std::string>;
using ColumnPairs = std::vector<std::pair<std::string, std::string>>;

std::vector<Column> ToColumns(const ColumnPairs& pairs) {
  std::vector<Column> columns;
  for (const auto& [name, type] : pairs) columns.push_back({name, type});
  return columns;
}

DataFrame ReadParquet(Session& session, const Paths& paths, std::vector<std::string> columns,
                      bool recursive, bool union_by_name, std::optional<bool> hive_partitioning,
                      ReaderOptions further) {
  nb::object nobody = nb::none();
  Unlocked unlocked;
  return session.ReadParquet(paths, {std::move(columns), recursive, union_by_name,
                                     hive_partitioning, std::move(further), PythonTicker(nobody)});
}

DataFrame ReadCsv(Session& session, const Paths& paths, const ColumnPairs& schema,
                  std::optional<std::string> delim, std::optional<bool> header, bool ignore_errors,
                  bool recursive, bool union_by_name, std::optional<bool> hive_partitioning,
                  ReaderOptions further) {
  nb::object nobody = nb::none();
  Unlocked unlocked;
  return session.ReadCsv(
      paths, {ToColumns(schema), std::move(delim), header, ignore_errors, recursive, union_by_name,
              hive_partitioning, std::move(further), PythonTicker(nobody)});
}

DataFrame ReadJson(Session& session, const Paths& paths, const ColumnPairs& schema,
                   bool ignore_errors, bool recursive, bool union_by_name,
                   std::optional<bool> hive_partitioning, ReaderOptions further) {
  nb::object nobody = nb::none();
  Unlocked unlocked;
  return session.ReadJson(paths, {ToColumns(schema), ignore_errors, recursive, union_by_name,
                                  hive_partitioning, std::move(further), PythonTicker(nobody)});
}

DataFrame FromArrow(Session& session, nb::handle object, const std::string& description) {
  ArrowArrayStream stream = TakeStream(object);
  Unlocked unlocked;
  return session.FromArrow(&stream, description);
}

void DefineValue(nb::module_& m) {
  nb::class_<Value>(m, "Value")
      .def(nb::init<>())
      .def_static("boolean", [](bool value) { return Value(value); })
      .def_static("integer", [](int64_t value) { return Value(value); })
      .def_static("double", [](double value) { return Value(value); })
      .def_static("string", [](std::string value) { return Value(std::move(value)); })
      .def_static("blob",
                  [](nb::bytes value) { return Value::Blob({value.c_str(), value.size()}); })
      .def_static("typed", &Value::Typed, "text"_a, "type"_a)
      .def_static("list", &Value::List)
      .def_static("struct", &Value::Struct);
}

std::string Explain(const DataFrame& frame, bool analyze, bool json,
                    const nb::object& on_progress) {
  Unlocked unlocked;
  return frame.Explain({.analyze = analyze, .json = json}, PythonTicker(on_progress));
}

void DefineArrowStream(nb::module_& m) {
  nb::class_<ArrowStreamHolder>(m, "ArrowStream")
      .def(
          "__arrow_c_stream__",
          [](ArrowStreamHolder& self, nb::object) { return self.TakeCapsule(); },
          "requested_schema"_a = nb::none());
}

void DefineDataFrame(nb::module_& m) {
  nb::class_<DataFrame> frame(m, "DataFrame");
  DefineWrite(m, frame);
  frame
      .def_prop_ro("columns",
                   [](const DataFrame& frame) {
                     std::vector<std::pair<std::string, std::string>> columns;
                     for (const auto& column : frame.columns())
                       columns.emplace_back(column.name, column.type);
                     return columns;
                   })
      .def_prop_ro("num_partitions", &DataFrame::num_partitions)
      .def_prop_ro("notice", &DataFrame::notice)
      .def("repartition",
           [](const DataFrame& frame, int n, std::vector<std::string> hash_by, std::string by,
              bool by_rows) {
             return frame.Repartition(n, {std::move(hash_by), std::move(by), by_rows});
           })
      .def(
          "count",
          [](const DataFrame& frame, nb::object on_progress) {
            Unlocked unlocked;
            return frame.Count(PythonTicker(on_progress));
          },
          "on_progress"_a.none())
      .def(
          "collect",
          [](const DataFrame& frame, int64_t limit, nb::object on_progress) {
            ArrowStreamHolder stream;
            Unlocked unlocked;
            frame.Collect(stream.get(), limit, PythonTicker(on_progress));
            return stream;
          },
          "limit"_a, "on_progress"_a.none())
      .def(
          "stream",
          [](const DataFrame& frame, nb::object on_progress) {
            ArrowStreamHolder stream;
            Unlocked unlocked;
            frame.ToArrowStream(stream.get(), PythonTicker(on_progress));
            return stream;
          },
          "on_progress"_a.none())
      .def(
          "to_text",
          [](const DataFrame& frame, int max_rows, int width, nb::object on_progress) {
            Unlocked unlocked;
            return frame.ToText(max_rows, width, PythonTicker(on_progress));
          },
          "max_rows"_a, "width"_a, "on_progress"_a.none())
      .def(
          "to_html",
          [](const DataFrame& frame, int max_rows, nb::object on_progress) {
            Unlocked unlocked;
            return frame.ToHtml(max_rows, PythonTicker(on_progress));
          },
          "max_rows"_a, "on_progress"_a.none())
      .def("explain", &Explain, "analyze"_a, "json"_a, "on_progress"_a.none())
      .def("__str__", &DataFrame::ToString);
}

void DefineOptions(nb::class_<Session>& session) {
  session.def_prop_ro("job_id", [](const Session& session) { return session.options().job_id; })
      .def_prop_ro("job_name", [](const Session& session) { return session.options().job_name; })
      .def_prop_ro("job_time", [](const Session& session) { return session.options().job_time; })
      .def_prop_ro("threads", [](const Session& session) { return *session.options().threads; })
      .def_prop_ro("executor",
                   [](const Session& session) {
                     return std::string(ExecutorKindName(*session.options().executor));
                   })
      .def_prop_ro("ray_address",
                   [](const Session& session) { return session.options().ray_address; })
      .def_prop_ro(
          "num_workers",
          [](const Session& session) { return WorkerLayoutOf(session.options()).num_workers; })
      .def_prop_ro("threads_per_worker",
                   [](const Session& session) {
                     return WorkerLayoutOf(session.options()).threads_per_worker;
                   })
      .def_prop_ro("temp_dir", [](const Session& session) { return session.options().temp_dir; });
}

// Kept by the session, which may end without the interpreter's lock.
std::shared_ptr<nb::object> KeptBySession(nb::object object) {
  return {new nb::object(std::move(object)), [](nb::object* object) {
            if (!nb::is_alive()) return;
            Locked locked;
            delete object;
          }};
}

void DefineWorkers(nb::class_<Session>& session) {
  session
      .def(
          "set_make_executor",
          [](const Session& session, nb::object make) {
            auto kept = KeptBySession(std::move(make));
            Internals::StateOf(session)->SetMakeExecutor(
                [kept](const std::string& setup) { return MakePythonExecutor(*kept, setup); });
          },
          "make"_a)
      .def(
          "stop_workers",
          [](const Session& session, bool for_good) {
            Internals::StateOf(session)->StopWorkers(for_good);
          },
          "for_good"_a, nb::call_guard<Unlocked>());
}

void DefineSession(nb::module_& m) {
  using Release = nb::call_guard<Unlocked>;
  nb::class_<Session> session(m, "Session");
  DefineOptions(session);
  DefineWorkers(session);
  session
      .def_static(
          "init",
          [](const std::map<std::string, std::string>& settings) {
            Options options = Options::FromEnvironment();
            for (const auto& [name, text] : settings) options.Set(name, text);
            return Session::Init(options);
          },
          Release())
      .def("read_parquet", &ReadParquet, "paths"_a, "columns"_a, "recursive"_a, "union_by_name"_a,
           "hive_partitioning"_a.none(), "further"_a)
      .def("read_csv", &ReadCsv, "paths"_a, "schema"_a, "delim"_a.none(), "header"_a.none(),
           "ignore_errors"_a, "recursive"_a, "union_by_name"_a, "hive_partitioning"_a.none(),
           "further"_a)
      .def("read_json", &ReadJson, "paths"_a, "schema"_a, "ignore_errors"_a, "recursive"_a,
           "union_by_name"_a, "hive_partitioning"_a.none(), "further"_a)
      .def("from_arrow", &FromArrow)
      .def("sql", &RunSql, "query"_a, "positional"_a, "named"_a, "params"_a, "named_params"_a,
           "resolve"_a.none(), "partial"_a, "merge"_a.none())
      .def("execute", &Execute, "sql"_a, "params"_a, "named_params"_a, "resolve"_a.none())
      .def("__str__", &Session::ToString, Release())
      .def("close", &Session::Close, Release());
}

}  // namespace
}  // namespace smallpond

NB_MODULE(_core, m) {
  using namespace smallpond;     // NOLINT: the module's own namespace
  nb::set_leak_warnings(false);  // Frames in global variables live as long as the interpreter.
  nb::register_exception_translator(TranslateError);
  m.def("without_secrets", &WithoutSecrets, "text"_a);
  m.def("version", &Version);
  m.def("duckdb_version", &DuckDBVersion);
  m.def("usable_cpus", [] { return UsableCpus(); });
  m.def("usable_memory_bytes", [] { return UsableMemoryBytes(); });
  m.def("query_of_expressions", [](const std::string& text, const std::string& method) {
    return QueryOfClause(SqlClause::kExpressions, text, method);
  });
  m.def("query_of_condition", [](const std::string& text, const std::string& method) {
    return QueryOfClause(SqlClause::kCondition, text, method);
  });
  m.def("query_of_order", [](const std::string& text, const std::string& method) {
    return QueryOfClause(SqlClause::kOrder, text, method);
  });
  m.def("nearest_option", &NearestOption, "name"_a, "options"_a);
  m.def(
      "run_command_line",
      [](const std::vector<std::string>& arguments, const std::vector<std::string>& worker_command,
         const std::string& setup) {
        std::vector<const char*> argv;
        for (const auto& argument : arguments) argv.push_back(argument.c_str());
        Unlocked unlocked;
        return RunCommandLine(static_cast<int>(argv.size()), argv.data(), worker_command, setup);
      },
      "arguments"_a, "worker_command"_a, "setup"_a);
  m.def("end_calls", &EndCoreCalls, "seconds"_a);
  DefineValue(m);
  DefineArrowStream(m);
  DefineDataFrame(m);
  DefineSession(m);
  DefineExecutors(m);
}
