#include "smallpond/session.h"

#include <algorithm>

#include "duckdb_adapter/arrow_source.h"
#include "duckdb_adapter/sql_text.h"
#include "executor/direct_run.h"
#include "plan/plan_sql.h"
#include "session/session_state.h"
#include "smallpond/error.h"
#include "smallpond/smallpond.h"
#include "storage/paths.h"

namespace smallpond {
namespace {

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// One of DuckDB's readers and what it is to read.
struct Reader {
  std::string function;  // "read_csv"
  std::vector<std::string> endings;
  bool recursive = false;
  std::vector<std::string> columns;  // Empty: all.
  ReaderOptions options;
};

PlanRef PlanRead(SessionState& session, const std::vector<std::string>& paths,
                 const Reader& reader) {
  auto patterns =
      ExpandFolders(paths, session.options().data_dir, reader.endings, reader.recursive);
  std::string select = "*";
  if (!reader.columns.empty()) {
    std::vector<std::string> quoted;
    for (const auto& column : reader.columns) quoted.push_back(QuoteName(column));
    select = Join(quoted);
  }
  // Paths and options are parameters: nothing of them becomes a part of the text.
  std::map<std::string, Value> params;
  params["paths"] = Value::List({patterns.begin(), patterns.end()});
  std::string arguments = "$paths";
  for (const auto& [name, value] : reader.options) {
    std::string param = "option" + std::to_string(params.size());
    arguments += ", " + QuoteName(name) + " = $" + param;
    params[param] = value;
  }
  Statement query =
      Statement::Parse("SELECT " + select + " FROM " + reader.function + "(" + arguments + ")");
  query.BindParameters({}, params);
  Schema schema = session.Connect()->Bind(query);
  return std::make_shared<LogicalPlan>(
      Scan{std::move(query), reader.function + "(" + Join(paths) + ")", nullptr}, std::move(schema),
      Partitioning{});
}

// A schema as the struct that DuckDB's text readers take.
void AddSchema(const std::vector<Column>& schema, ReaderOptions& options) {
  if (schema.empty()) return;
  std::vector<std::pair<std::string, Value>> fields;
  for (const auto& column : schema) fields.emplace_back(column.name, Value(column.type));
  options.emplace_back("columns", Value::Struct(std::move(fields)));
}

}  // namespace

Session::Session(std::shared_ptr<SessionState> state) : state_(std::move(state)) {}

Session Session::Init(const Options& options) {
  return Session(std::make_shared<SessionState>(options));
}

const Options& Session::options() const {
  if (!state_)
    throw Error(ErrorKind::kInvalidInput, "The session is closed. Open one with init().");
  return state_->options();
}

DataFrame Session::ReadParquet(const std::vector<std::string>& paths,
                               const ParquetOptions& options) {
  this->options();
  Reader reader{"read_parquet",
                {".parquet", ".parq", ".pq"},
                options.recursive,
                options.columns,
                options.further};
  if (options.union_by_name) reader.options.emplace_back("union_by_name", true);
  return DataFrame(state_, PlanRead(*state_, paths, reader));
}

DataFrame Session::ReadCsv(const std::vector<std::string>& paths, const TextOptions& options) {
  this->options();
  Reader reader{"read_csv",
                {".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz"},
                options.recursive,
                {},
                options.further};
  AddSchema(options.schema, reader.options);
  return DataFrame(state_, PlanRead(*state_, paths, reader));
}

DataFrame Session::ReadJson(const std::vector<std::string>& paths, const TextOptions& options) {
  this->options();
  Reader reader{"read_json",
                {".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz", ".json.zst",
                 ".jsonl.zst"},
                options.recursive,
                {},
                options.further};
  AddSchema(options.schema, reader.options);
  return DataFrame(state_, PlanRead(*state_, paths, reader));
}

DataFrame Session::FromArrow(ArrowArrayStream* stream, const std::string& description) {
  this->options();
  auto source = std::make_shared<ArrowSource>(stream);
  Statement query = Statement::ScanArrow(*source);
  Schema schema = state_->Connect()->Bind(query);
  std::string text = description + " (" + std::to_string(source->num_rows()) + " rows in memory)";
  return DataFrame(state_, std::make_shared<LogicalPlan>(
                               Scan{std::move(query), std::move(text), std::move(source)},
                               std::move(schema), Partitioning{}));
}

DataFrame Session::Sql(const std::string& query, const SqlInputs& inputs) {
  return RunSql(query, inputs, {});
}

DataFrame Session::PartialSql(const std::string& query, const SqlInputs& inputs,
                              std::optional<MergeMode> merge) {
  return RunSql(query, inputs, merge.value_or(options().merge));
}

DataFrame Session::RunSql(const std::string& query, const SqlInputs& inputs,
                          std::optional<MergeMode> merge) {
  this->options();
  auto plan_of = [&](const DataFrame& frame) {
    if (frame.session_ == state_) return frame.plan_;
    throw Error(
        ErrorKind::kInvalidInput,
        "An input belongs to another session. Read it with this session, or pass its to_arrow().");
  };
  PlanSqlInputs planned;
  for (const auto& frame : inputs.positional) planned.positional.push_back(plan_of(frame));
  for (const auto& [name, frame] : inputs.named) planned.named[name] = plan_of(frame);
  planned.params = inputs.params;
  planned.named_params = inputs.named_params;
  if (inputs.resolve) {
    planned.resolve = [&](const std::string& name) -> std::optional<PlanRef> {
      auto frame = inputs.resolve(name);
      if (!frame) return std::nullopt;
      return plan_of(*frame);
    };
  }
  auto connection = state_->Connect();
  planned.bind_on_data = [&](const SqlQuery& bound) {
    SqlQuery copy{
        bound.query.Copy(), bound.inputs, bound.text, SqlQuery::Mode::kGlobal, false, true, ""};
    auto plan = std::make_shared<LogicalPlan>(std::move(copy), Schema(), Partitioning{});
    return connection->Bind(DirectRun(*connection).Query(plan));
  };
  auto mode = !merge                       ? SqlQuery::Mode::kGlobal
              : *merge == MergeMode::kAuto ? SqlQuery::Mode::kPartial
                                           : SqlQuery::Mode::kConcatenated;
  return DataFrame(state_, PlanSql(*connection, query, planned, mode));
}

void Session::Close() { state_.reset(); }

const char* Version() { return SMALLPOND_VERSION; }

std::string DuckDBVersion() { return LoadedDuckDBVersion(); }

}  // namespace smallpond
