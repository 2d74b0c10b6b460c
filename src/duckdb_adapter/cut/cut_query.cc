#include "duckdb_adapter/cut/cut_query.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "duckdb/main/query_result.hpp"
#include "duckdb/optimizer/optimizer.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/exchange/exchange_connection_state.h"
#include "duckdb_adapter/exchange/exchange_scan_data.h"
#include "duckdb_adapter/fragment/given_scans.h"
#include "duckdb_adapter/mends/rows_in_order.h"
#include "duckdb_adapter/sql/schema_types.h"
#include "duckdb_adapter/sql/sql_text.h"
#include "duckdb_adapter/sql/statement_tree.h"

namespace smallpond {
namespace {

// A fragment is bound into a small statement of its own, whose table indexes begin at 0. Those of
// the plan begin here.
constexpr int kFirstTableIndex = 100'000;

using PlannedRows = ExchangeConnectionState::PlannedRows;

// Puts the number of its piece behind each row: pieces are of neighbours, and the last one has what
// is more than the estimate.
Statement InPieces(const Statement& rows, int pieces, double estimated_rows) {
  if (pieces == 1) return rows.Copy();
  auto estimate = static_cast<int64_t>(std::max(1.0, std::ceil(estimated_rows)));
  return SqlOver("SELECT *, least(((row_number() OVER () - 1) * " + std::to_string(pieces) +
                     ") // " + std::to_string(estimate) + ", " + std::to_string(pieces - 1) +
                     ") FROM \"{0}\"",
                 rows);
}

ExchangeKind KindFor(const Fragment& read, QueryCutter::Readers readers) {
  if (readers == QueryCutter::Readers::kEveryTask) return ExchangeKind::kBroadcast;
  bool has_partitions = read.output.num_keys > 0;  // Otherwise each of its tasks has one.
  if (readers == QueryCutter::Readers::kByPartition) {
    return has_partitions ? ExchangeKind::kHash : ExchangeKind::kForward;
  }
  if (read.is_given) return ExchangeKind::kHash;
  return read.single_task ? ExchangeKind::kGather : ExchangeKind::kForward;
}

}  // namespace

struct QueryCutter::State {
  CutOptions options;
  CutState cut;
  std::map<int, PlannedRows> rows;  // By fragment.
};

QueryCutter::QueryCutter(Connection& connection, CutOptions options)
    : connection_(connection), state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->cut.given = state_->options.given;
}

QueryCutter::~QueryCutter() {
  auto state = ExchangeConnectionState::Of(connection_.handle().context());
  std::lock_guard lock(state->mutex);
  state->planned.clear();
}

// Calls `work` with a cutter, the query's optimized plan, and its columns' names and types.
template <class Work>
void QueryCutter::WithPlan(const Statement& query, const Work& work) {
  if (query.NeedsPreparation()) {
    throw Error(ErrorKind::kUnsupported, "PIVOT without an IN list looks at the rows first");
  }
  Statement copy = query.Copy();
  TranslatingErrors([&] {
    auto& context = connection_.handle().context();
    context.RunFunctionInTransaction([&] {
      duckdb::Planner planner(context);
      for (int i = 0; i < kFirstTableIndex; ++i) planner.binder->GenerateTableIndex();
      planner.CreatePlan(std::move(copy.tree().main));
      PlannedRows rows{planner.names, planner.types, 0};
      duckdb::Optimizer optimizer(*planner.binder, context);
      auto plan = optimizer.Optimize(std::move(planner.plan));
      RemoveInOrder(plan);  // Tasks find out anew what they have to bring in order.
      PlanCutter cutter(context, *planner.binder, state_->options, state_->cut);
      work(cutter, std::move(plan), std::move(rows));
    });
  });
}

// Cuts a query whose rows a later one may read, and returns its fragment.
template <class Cut>
int QueryCutter::CutNext(const Statement& query, const Cut& cut) {
  int fragment = -1;
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    fragment = cut(cutter, std::move(plan));
    // Keys stay behind.
    const auto& output = state_->cut.query.fragments[static_cast<size_t>(fragment)].output;
    rows.names.resize(static_cast<size_t>(output.num_columns));
    rows.types.resize(static_cast<size_t>(output.num_columns));
    state_->rows[fragment] = std::move(rows);
  });
  return fragment;
}

int QueryCutter::CutByNumber(const Statement& query, int num_partitions) {
  return CutNext(query, [&](PlanCutter& cutter, auto plan) {
    return cutter.CutByNumber(std::move(plan), num_partitions);
  });
}

int QueryCutter::CutEvenly(const Statement& query, int num_partitions) {
  return CutNext(query, [&](PlanCutter& cutter, auto plan) {
    return cutter.CutEvenly(std::move(plan), num_partitions);
  });
}

// The query for one row that tells how many rows the tasks before each one wrote.
Statement QueryCutter::CountsOf(int fragment) {
  std::string writer = QuoteName(WriterColumn(state_->rows.at(fragment).names));
  Statement counts =
      SqlOver("SELECT " + writer + " AS task, count(*) AS rows FROM \"{0}\" GROUP BY 1",
              RowsAndWriterOf(fragment, Readers::kSomeTask));
  Statement before = SqlOver(
      "SELECT task, (sum(rows) OVER (ORDER BY task))::BIGINT - rows AS before, "
      "(sum(rows) OVER ())::BIGINT AS total FROM \"{0}\"",
      counts);
  int fact = CutWhole(
      SqlOver("SELECT list(task ORDER BY task, before) AS tasks, list(before ORDER BY task, "
              "before) AS before, max(total) AS total FROM \"{0}\"",
              before));
  return RowsOf(fact, Readers::kEveryTask);
}

int QueryCutter::CutByRows(const Statement& query, int num_partitions) {
  int fragment = CutWhole(query);
  const auto& names = state_->rows.at(fragment).names;
  std::string writer = QuoteName(WriterColumn(names));
  Statement fact =
      SqlOver("SELECT max(tasks) AS tasks, max(before) AS before, max(total) AS total FROM \"{0}\"",
              CountsOf(fragment));
  std::string number = "((list_extract(fact.before, list_position(fact.tasks, part." + writer +
                       ")) + row_number() OVER () - 1) * " + std::to_string(num_partitions) +
                       ") // fact.total";
  Statement numbered = Statement::Parse("SELECT part.* EXCLUDE (" + writer + "), " + number +
                                        " FROM \"{0}\" part, \"{1}\" fact");
  numbered.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
    return name == "{0}" ? RowsAndWriterOf(fragment, Readers::kByPartition) : std::move(fact);
  });
  return CutNext(numbered, [&](PlanCutter& cutter, auto plan) {
    return cutter.CutPerPartition(std::move(plan), num_partitions);
  });
}

int QueryCutter::CutWhole(const Statement& query) {
  return CutNext(query,
                 [](PlanCutter& cutter, auto plan) { return cutter.CutWhole(std::move(plan)); });
}

int QueryCutter::CutPerPartition(const Statement& query) {
  return CutNext(
      query, [](PlanCutter& cutter, auto plan) { return cutter.CutPerPartition(std::move(plan)); });
}

int QueryCutter::AddGiven(const Statement& rows, int64_t num_rows) {
  Schema schema = connection_.Bind(rows);
  PlannedRows planned;
  for (const auto& column : schema.columns()) planned.names.push_back(column.name);
  planned.types = schema.types().list;
  int number =
      state_->cut.AddGiven("rows of this process", planned.types.size(),
                           static_cast<double>(num_rows), PlanCutter::RowBytes(planned.types));
  state_->rows[number] = std::move(planned);
  const Fragment& fragment = state_->cut.query.fragments.back();
  state_->cut.query.given.emplace(
      number, InPieces(rows, fragment.output.num_partitions, fragment.estimated_rows));
  return number;
}

Statement QueryCutter::RowsOf(int fragment, Readers readers) {
  const Fragment& read = state_->cut.query.fragments[static_cast<size_t>(fragment)];
  return Statement::Parse("FROM " + ScanOf(fragment, readers, read.estimated_rows));
}

// The same with the number of the task that wrote each row, as the last column.
Statement QueryCutter::RowsAndWriterOf(int fragment, Readers readers) {
  std::string writer = QuoteName(WriterColumn(state_->rows.at(fragment).names));
  // Never so few that DuckDB would join them with a fact the other way round, and lose their order.
  constexpr double kFewest = 100'000;
  const Fragment& read = state_->cut.query.fragments[static_cast<size_t>(fragment)];
  return Statement::Parse("SELECT *, " + writer + " FROM " +
                          ScanOf(fragment, readers, std::max(read.estimated_rows, kFewest)));
}

std::string QueryCutter::ScanOf(int fragment, Readers readers, double estimated_rows) {
  const Fragment& read = state_->cut.query.fragments[static_cast<size_t>(fragment)];
  CutState::Planned planned;
  planned.fragment = fragment;
  planned.kind = KindFor(read, readers);
  planned.exclusive = readers == Readers::kByPartition;
  planned.rows = estimated_rows;
  planned.ordered = read.output.ordered;
  int id = state_->cut.AddPlanned(planned);
  PlannedRows rows = state_->rows.at(fragment);
  duckdb::QueryResult::DeduplicateColumns(rows.names);
  rows.estimated_rows = static_cast<duckdb::idx_t>(planned.rows);
  auto state = ExchangeConnectionState::Of(connection_.handle().context());
  std::lock_guard lock(state->mutex);
  state->planned[id] = std::move(rows);
  return "smallpond_exchange_scan(" + std::to_string(id) + ")";
}

CutQuery QueryCutter::Finish(const Statement& query) {
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    cutter.CutResult(std::move(plan));
    state_->cut.query.columns.assign(rows.names.begin(), rows.names.end());
  });
  return TakeQuery();
}

CutQuery QueryCutter::FinishPerPartition(const Statement& query) {
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    cutter.ReadResult(cutter.CutPerPartition(std::move(plan)), rows.types);
    state_->cut.query.columns.assign(rows.names.begin(), rows.names.end());
  });
  return TakeQuery();
}

CutQuery QueryCutter::TakeQuery() {
  CutQuery query = std::move(state_->cut.query);
  for (auto& [number, scan] : state_->cut.given_scans) {
    const Fragment& fragment = query.fragments[static_cast<size_t>(number)];
    query.given_scan_bytes += fragment.estimated_rows * fragment.estimated_row_bytes;
    Statement rows = QueryGivenScan(connection_, number, std::move(scan));
    query.given.emplace(number,
                        InPieces(rows, fragment.output.num_partitions, fragment.estimated_rows));
  }
  return query;
}

}  // namespace smallpond
