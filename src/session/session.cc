#include "smallpond/session.h"

#include <mutex>
#include <optional>
#include <utility>

#include "action/action.h"
#include "action/run_ticking.h"
#include "base/secret_values.h"
#include "base/standard_errors.h"
#include "base/text.h"
#include "duckdb_adapter/arrow/arrow_scan.h"
#include "duckdb_adapter/arrow/arrow_source.h"
#include "duckdb_adapter/connection/session_statement.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "plan/plan_sql.h"
#include "session/internals.h"
#include "session/reader_options.h"
#include "session/session_state.h"
#include "smallpond/error.h"
#include "smallpond/smallpond.h"
#include "storage/files/paths.h"
#include "storage/input/input_files.h"

namespace smallpond {
namespace {

// What binds: it reads no rows, and computes all that it needs.
Action::Parts BindingOn(const std::shared_ptr<Connection>& connection, const Ticker& ticker = {}) {
  return {[connection] { return connection; }, nullptr, nullptr, ticker};
}

// The columns of a query over frames, whose files may be replaced meanwhile.
Schema BindPlan(const std::shared_ptr<Connection>& connection, const PlanRef& plan) {
  Schema schema;
  Action(BindingOn(connection)).Prepare([&](const auto&, const auto& run) {
    schema = connection->Bind(run->Query(plan));
  });
  return schema;
}

// Finds out which files there are and what columns they have.
PlanRef PlanRead(SessionState& session, const std::vector<std::string>& paths, FileScan scan,
                 const Ticker& ticker) {
  for (const auto& path : paths) {
    scan.paths.push_back(ResolvePath(path, session.options().data_dir));
  }
  std::shared_ptr<Connection> connection = session.Connect();
  std::optional<ResolvedScan> resolved;
  Schema schema;
  Action(BindingOn(connection, ticker)).Prepare([&](const auto&, const auto& run) {
    // A pipe may be gone when the frame is computed: what was read of it takes its place.
    for (auto& path : scan.paths) {
      if (!IsRemote(path) && IsNoFileOfItsOwn(path)) path = connection->Glob(path).at(0);
    }
    resolved = run->Find(scan);
    schema = connection->Bind(resolved->query);
  });
  std::string description = scan.function + "(" + Join(paths) + ")";
  return std::make_shared<LogicalPlan>(
      ReadFiles{std::move(scan), std::move(resolved->files), std::move(description),
                std::move(resolved->unread)},
      std::move(schema), Partitioning{});
}

// Settings, macros and tables may change what queries mean. A query that runs meanwhile may have
// been bound before or after the change, so results are forgotten when it is made.
class ForgetResults {
 public:
  explicit ForgetResults(ResultCache& kept) : kept_(kept) {}
  ~ForgetResults() { kept_.Clear(); }
  ForgetResults(const ForgetResults&) = delete;
  ForgetResults& operator=(const ForgetResults&) = delete;

 private:
  ResultCache& kept_;
};

// The rows of a session's own tables can be changed, those of files and frames can't.
void CheckChangesTable(Connection& connection, const Statement& statement,
                       const PlanSqlInputs& inputs) {
  std::string name = ChangedTable(statement);
  if (name.empty() || connection.FindTable(name)) return;
  bool is_file = name.find('/') != std::string::npos || name.ends_with(".parquet") ||
                 name.ends_with(".csv") || name.ends_with(".json") || name.ends_with(".jsonl");
  bool is_frame = !is_file && inputs.resolve && inputs.resolve(name);
  if (!is_file && !is_frame) return;
  throw Error(ErrorKind::kUnsupported,
              "execute() does not change rows of files and frames, and '" + name + "' is a " +
                  (is_file ? "file" : "frame") +
                  ". Say with sql() what the rows shall be, and write them with write_parquet(); "
                  "or copy them into a table: CREATE TABLE t AS FROM …");
}

// Whatever goes wrong from here on, no error shows a credential that was given as a value.
PlanSqlInputs PlanInputs(const std::shared_ptr<SessionState>& state, const SqlInputs& inputs) {
  state->Hide(SecretsAmong(inputs.named_params));
  state->Hide(SecretsAmong(inputs.params));
  auto plan_of = [state](const DataFrame& frame) {
    if (Internals::StateOf(frame) == state) return Internals::PlanOf(frame);
    throw Error(
        ErrorKind::kInvalidInput,
        "An input belongs to another session. Read it with this session, or pass its to_arrow().");
  };
  PlanSqlInputs planned;
  for (const auto& frame : inputs.positional) planned.positional.push_back(plan_of(frame));
  for (const auto& [name, frame] : inputs.named) planned.named[name] = plan_of(frame);
  planned.params = inputs.params;
  planned.named_params = inputs.named_params;
  planned.in_reach = inputs.in_reach;
  if (inputs.resolve) {
    planned.resolve = [&inputs, plan_of](const std::string& name) -> std::optional<PlanRef> {
      auto frame = inputs.resolve(name);
      if (!frame) return std::nullopt;
      return plan_of(*frame);
    };
  }
  return planned;
}

DataFrame BindSql(const std::shared_ptr<SessionState>& state, const std::string& query,
                  const SqlInputs& inputs, std::optional<MergeMode> merge) {
  PlanSqlInputs planned = PlanInputs(state, inputs);
  std::shared_ptr<Connection> connection = state->Connect();
  planned.bind_on_data = [&](const SqlQuery& bound) {
    SqlQuery copy{bound.query.Copy()};
    copy.inputs = bound.inputs;
    auto plan = std::make_shared<LogicalPlan>(std::move(copy), Schema(), Partitioning{});
    return BindPlan(connection, plan);
  };
  planned.measures_files = state->stages() != nullptr;
  planned.run_long = [&](const std::function<void()>& work) {
    RunTicking(*connection, inputs.ticker, work);
  };
  auto mode = !merge                       ? SqlQuery::Mode::kGlobal
              : *merge == MergeMode::kAuto ? SqlQuery::Mode::kPartial
                                           : SqlQuery::Mode::kConcatenated;
  return Internals::NewFrame(state, PlanSql(*connection, query, planned, mode));
}

void RunScript(const std::shared_ptr<SessionState>& state, const std::string& sql,
               const SqlInputs& inputs) {
  ForgetResults forget(state->kept());
  PlanSqlInputs planned = PlanInputs(state, inputs);
  std::vector<std::string> named;
  for (const auto& [name, frame] : inputs.named) named.push_back(name);
  auto parser = state->Connect();
  for (Statement& statement : ParseScript(QuotePlaceholders(sql, named), *parser)) {
    CheckChangesSession(statement);
    CheckChangesTable(*state->Connect(), statement, planned);
    statement.BindParameters(inputs.params, inputs.named_params);
    MakePermanent(statement);
    auto put_in = [&](Connection& connection, PlanRun& run) {
      return ResolveTables(connection, statement, planned,
                           [&](const PlanRef& plan) { return run.Query(plan); });
    };
    if (ChangesSettings(statement)) {
      state->ChangeSettings([&](Connection& connection) {
        PlanRun run(connection);
        auto plans = put_in(connection, run);  // They own what is read.
        SettingsRef changed;
        RunTicking(connection, inputs.ticker, [&] {
          changed = SessionSettings::RunAndTake(connection, std::move(statement));
        });
        return changed;
      });
    } else {
      auto connection = state->Connect();
      PlanRun run(*connection);
      auto plans = put_in(*connection, run);
      RunTicking(*connection, inputs.ticker, [&] { connection->Run(statement.Copy()); });
      state->AddDatabaseStep(std::move(statement), connection->settings());
    }
  }
}

}  // namespace

// What the copies of a session share. One thread may close it while others are using it.
struct Session::Slot {
  std::mutex mutex;                     // Guards state.
  std::shared_ptr<SessionState> state;  // Shared with the session's frames; null when closed.
};

Session::Session(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}

Session Session::Init(const Options& options) {
  auto slot = std::make_shared<Slot>();
  slot->state = TranslatingStandardErrors([&] { return SessionState::Open(options); });
  return Session(std::move(slot));
}

std::shared_ptr<SessionState> Session::State() const {
  std::lock_guard lock(slot_->mutex);
  if (slot_->state) return slot_->state;
  throw Error(ErrorKind::kInvalidInput, "The session is closed. Open one with init().");
}

const Options& Session::options() const { return State()->options(); }

std::string Session::ToString() const {
  std::shared_ptr<SessionState> state;
  {
    std::lock_guard lock(slot_->mutex);
    state = slot_->state;
  }
  return state ? state->ToString() : "Session(closed)";
}

DataFrame Session::ReadParquet(const std::vector<std::string>& paths,
                               const ParquetOptions& options) {
  auto state = State();
  return Internals::NewFrame(state, PlanRead(*state, paths, ScanOf(options), options.ticker));
}

DataFrame Session::ReadCsv(const std::vector<std::string>& paths, const CsvOptions& options) {
  auto state = State();
  return Internals::NewFrame(state, PlanRead(*state, paths, ScanOf(options), options.ticker));
}

DataFrame Session::ReadJson(const std::vector<std::string>& paths, const JsonOptions& options) {
  auto state = State();
  return Internals::NewFrame(state, PlanRead(*state, paths, ScanOf(options), options.ticker));
}

DataFrame Session::FromArrow(ArrowArrayStream* stream, const std::string& description) {
  auto source = std::make_shared<ArrowSource>(stream);  // Taken over, whatever happens.
  source->CheckReadable();
  auto state = State();
  Schema schema = state->Connect()->Bind(ScanArrow(*source));
  std::string text = description + " (" + std::to_string(source->num_rows()) + " rows in memory)";
  return Internals::NewFrame(
      state, std::make_shared<LogicalPlan>(ReadArrow{std::move(source), std::move(text)},
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
  auto state = State();
  try {
    return TranslatingStandardErrors([&] { return BindSql(state, query, inputs, merge); });
  } catch (const Error& error) {
    throw state->Explain(error);
  }
}

void Session::Execute(const std::string& sql, const SqlInputs& inputs) {
  auto state = State();
  try {
    TranslatingStandardErrors([&] { RunScript(state, sql, inputs); });
  } catch (const Error& error) {
    throw state->Explain(Error(error.kind(), WithQuery(error.what(), sql)));
  }
}

void Session::Close() {
  std::shared_ptr<SessionState> last;  // Ends the DuckDB outside the lock.
  std::lock_guard lock(slot_->mutex);
  last.swap(slot_->state);
}

const char* Version() { return SMALLPOND_VERSION; }

std::string DuckDBVersion() { return LoadedDuckDBVersion(); }

void InterruptAll() { Database::InterruptAll(); }

}  // namespace smallpond
