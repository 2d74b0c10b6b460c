#include "duckdb_adapter/cut/cut_query.h"

#include <cmath>

#include "duckdb/main/query_result.hpp"
#include "duckdb/optimizer/optimizer.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/exchange/exchange_functions.h"
#include "duckdb_adapter/fragment/given_scans.h"
#include "duckdb_adapter/sql/schema_types.h"
#include "duckdb_adapter/sql/statement_tree.h"

namespace smallpond {
namespace {

// A fragment is bound into a small statement of its own, whose table indexes begin at 0. Those of
// the plan begin here.
constexpr int kFirstTableIndex = 100'000;

using PlannedRows = ExchangeConnectionState::PlannedRows;

}  // namespace

struct QueryCutter::State {
  CutOptions options;
  CutState cut;
  std::map<int, PlannedRows> rows;  // By fragment.
};

QueryCutter::QueryCutter(Connection& connection, CutOptions options)
    : connection_(connection), state_(std::make_unique<State>()) {
  state_->options = std::move(options);
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
      PlanCutter cutter(context, *planner.binder, state_->options, state_->cut);
      work(cutter, std::move(plan), std::move(rows));
    });
  });
}

int QueryCutter::CutByNumber(const Statement& query, int num_partitions) {
  int fragment = -1;
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    fragment = cutter.CutByNumber(std::move(plan), num_partitions);
    rows.names.pop_back();
    rows.types.pop_back();
    state_->rows[fragment] = std::move(rows);
  });
  return fragment;
}

int QueryCutter::CutEvenly(const Statement& query, int num_partitions) {
  int fragment = -1;
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    fragment = cutter.CutEvenly(std::move(plan), num_partitions);
    state_->rows[fragment] = std::move(rows);
  });
  return fragment;
}

int QueryCutter::CutWhole(const Statement& query) {
  int fragment = -1;
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    fragment = cutter.CutWhole(std::move(plan));
    state_->rows[fragment] = std::move(rows);
  });
  return fragment;
}

int QueryCutter::CutPerPartition(const Statement& query) {
  int fragment = -1;
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    fragment = cutter.CutPerPartition(std::move(plan));
    state_->rows[fragment] = std::move(rows);
  });
  return fragment;
}

int QueryCutter::AddGiven(const Schema& schema, double rows, int num_partitions) {
  PlannedRows planned;
  for (const auto& column : schema.columns()) planned.names.push_back(column.name);
  planned.types = schema.types().list;
  int number = state_->cut.AddGiven("rows of this process", planned.types.size(), rows,
                                    PlanCutter::RowBytes(planned.types), num_partitions);
  state_->rows[number] = std::move(planned);
  return number;
}

void QueryCutter::SetGivenPartitions(int num_partitions) {
  state_->cut.given_partitions = num_partitions;
}

std::map<int, Statement> QueryCutter::GivenScans() {
  std::map<int, Statement> rows;
  for (auto& [fragment, given] : state_->cut.given_scans) {
    auto estimate = static_cast<int64_t>(std::max(1.0, std::ceil(given.estimated_rows)));
    std::string last = std::to_string(given.num_partitions - 1);
    Statement all = QueryGivenScan(connection_, fragment, std::move(given.scan));
    if (given.num_partitions > 1) {
      // In pieces of neighbours. The last one has what is more than the estimate.
      all = SqlOver("SELECT *, least(((row_number() OVER () - 1) * " +
                        std::to_string(given.num_partitions) + ") // " + std::to_string(estimate) +
                        ", " + last + ") FROM \"{0}\"",
                    all);
    }
    rows.emplace(fragment, std::move(all));
  }
  state_->cut.given_scans.clear();
  return rows;
}

Statement QueryCutter::RowsOf(int fragment, Readers readers) {
  const Fragment& read = state_->cut.query.fragments[static_cast<size_t>(fragment)];
  CutState::Planned planned;
  planned.fragment = fragment;
  bool has_partitions = read.output.num_keys > 0;  // Otherwise each of its tasks has one.
  planned.kind = readers == Readers::kByPartition
                     ? (has_partitions ? ExchangeKind::kHash : ExchangeKind::kForward)
                 : readers == Readers::kEveryTask ? ExchangeKind::kBroadcast
                 : read.is_given                  ? ExchangeKind::kHash
                 : read.single_task               ? ExchangeKind::kGather
                                                  : ExchangeKind::kForward;
  planned.exclusive = readers == Readers::kByPartition;
  planned.rows = read.estimated_rows;
  planned.ordered = read.output.ordered;
  int id = state_->cut.AddPlanned(planned);
  PlannedRows rows = state_->rows.at(fragment);
  duckdb::QueryResult::DeduplicateColumns(rows.names);
  rows.estimated_rows = static_cast<duckdb::idx_t>(planned.rows);
  auto state = ExchangeConnectionState::Of(connection_.handle().context());
  std::lock_guard lock(state->mutex);
  state->planned[id] = std::move(rows);
  return Statement::Parse("FROM smallpond_exchange_scan(" + std::to_string(id) + ")");
}

CutQuery QueryCutter::Finish(const Statement& query) {
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    cutter.CutResult(std::move(plan));
    state_->cut.query.columns.assign(rows.names.begin(), rows.names.end());
  });
  return std::move(state_->cut.query);
}

CutQuery QueryCutter::FinishPerPartition(const Statement& query) {
  WithPlan(query, [&](PlanCutter& cutter, auto plan, PlannedRows rows) {
    cutter.ReadResult(cutter.CutPerPartition(std::move(plan)), rows.types);
    state_->cut.query.columns.assign(rows.names.begin(), rows.names.end());
  });
  return std::move(state_->cut.query);
}

CutQuery CutIntoFragments(Connection& connection, const Statement& query,
                          const CutOptions& options) {
  return QueryCutter(connection, options).Finish(query);
}

}  // namespace smallpond
