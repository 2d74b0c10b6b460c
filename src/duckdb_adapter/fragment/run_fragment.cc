#include "duckdb_adapter/fragment/run_fragment.h"

#include "duckdb/main/extension/extension_loader.hpp"
#include "duckdb/optimizer/join_filter_pushdown_optimizer.hpp"
#include "duckdb/optimizer/optimizer.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/connection/database_instance.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "duckdb_adapter/exchange/exchange_write.h"
#include "duckdb_adapter/fragment/aggregate_states.h"
#include "duckdb_adapter/fragment/divided_scan.h"
#include "duckdb_adapter/fragment/given_scans.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "duckdb_adapter/fragment/plan_bytes.h"
#include "duckdb_adapter/fragment/range_numbers.h"
#include "duckdb_adapter/mends/rows_in_order.h"
#include "duckdb_adapter/mends/runtime_filters.h"
#include "duckdb_adapter/sql/sql_text.h"

namespace smallpond {
namespace {

constexpr const char* kFragmentName = "smallpond_fragment";

// The fragment that a connection runs now.
struct FragmentState : duckdb::ClientContextState {
  static constexpr const char* kKey = "smallpond_fragment";
  std::string bytes;
  TaskInputs inputs;
  bool is_optimized = false;  // Whether the plan comes optimized.
};

// Physical planning may ask a scan for its estimate after it has taken what that is made from.
void KeepEstimates(duckdb::ClientContext& context, duckdb::LogicalOperator& op) {
  for (auto& child : op.children) KeepEstimates(context, *child);
  if (op.type == duckdb::LogicalOperatorType::LOGICAL_GET) {
    op.SetEstimatedCardinality(op.EstimateCardinality(context));
  }
}

// Puts the connection's fragment, with its inputs filled in, where a query asks for it.
duckdb::unique_ptr<duckdb::LogicalOperator> BindFragment(duckdb::ClientContext& context,
                                                         duckdb::TableFunctionBindInput& input,
                                                         duckdb::idx_t bind_index,
                                                         duckdb::vector<std::string>& names) {
  auto state = context.registered_state->Get<FragmentState>(FragmentState::kKey);
  if (!state) throw duckdb::InvalidInputException("%s is not for queries", kFragmentName);
  // DuckDB looks at this once a statement is bound, and again where it makes operators of the plan.
  const bool optimizes = context.config.enable_optimizer;
  if (state->is_optimized) context.config.enable_optimizer = false;
  auto plan = LoadPlan(context, state->bytes);
  FillScans(context, *input.binder, plan, state->inputs.scans);
  KeepEstimates(context, *plan);
  plan->ResolveOperatorTypes();
  // The one rewrite that has to know the scans: hash joins tell them which keys can match.
  duckdb::Optimizer optimizer(*input.binder, context);
  duckdb::JoinFilterPushdownOptimizer(optimizer).VisitOperator(*plan);
  KeepRuntimeFiltersAboveLimits(*plan);
  BringRowsInOrder(context, plan);
  auto columns = NumberColumns(std::move(plan), bind_index, names);
  return state->is_optimized ? PlannedWithOptimizer(std::move(columns), optimizes)
                             : std::move(columns);
}

void SetFragment(Connection& connection, const std::string& bytes, const TaskInputs& inputs) {
  auto& context = connection.handle().context();
  auto state = context.registered_state->GetOrCreate<FragmentState>(FragmentState::kKey);
  state->bytes = bytes;
  state->inputs = inputs;
  SetExchangeInputs(connection, inputs.exchanges);
}

// Users may have forbidden DuckDB all files but their own. The folder to spill to is always
// allowed, so it is what DuckDB is told; the exchange file is written without asking it.
std::string StandIn(duckdb::ClientContext& context) {
  const auto& folder = duckdb::DBConfig::GetConfig(context).options.temporary_directory;
  return folder.empty() ? "" : folder + "/exchange";
}

std::string CopySql(const std::string& path, const ExchangeOutput& output, std::string stand_in) {
  int num_columns = output.num_columns + (output.num_partitions > 1 ? output.num_keys : 0);
  std::string columns;
  for (int i = 0; i < num_columns; ++i) columns += (i ? ", c" : "c") + std::to_string(i);
  ExchangeCopyOptions options;
  options.output = output;
  options.stand_in = std::move(stand_in);
  return "COPY (SELECT " + columns + " FROM " + kFragmentName + "()) " +
         ExchangeCopyTarget(path, options);
}

}  // namespace

void PrepareForStages(Database& database) {
  TranslatingErrors([&] {
    auto& instance = *database.instance().duckdb.instance;
    duckdb::ExtensionLoader loader(instance, "smallpond");
    duckdb::TableFunction fragment(kFragmentName, {}, nullptr, nullptr);
    fragment.bind_operator = kGuarded<BindFragment>;
    loader.RegisterFunction(fragment);
    loader.RegisterFunction(DividedScanFunction());
    loader.RegisterFunction(GivenScanFunction());
    RegisterAggregateStates(instance);
    RegisterRangeNumbers(instance);
    RegisterExchange(database);
    // What these make can't be written as bytes, or refers to scans that are in another fragment.
    auto& disabled = duckdb::DBConfig::GetConfig(instance).options.disabled_optimizers;
    std::string names;
    for (auto type :
         {duckdb::OptimizerType::COMPRESSED_MATERIALIZATION,
          duckdb::OptimizerType::JOIN_FILTER_PUSHDOWN, duckdb::OptimizerType::LATE_MATERIALIZATION,
          duckdb::OptimizerType::COMMON_SUBPLAN, duckdb::OptimizerType::ROW_GROUP_PRUNER,
          duckdb::OptimizerType::TOP_N_WINDOW_ELIMINATION}) {
      disabled.insert(type);
      names += (names.empty() ? "" : ",") + duckdb::OptimizerTypeToString(type);
    }
    database.instance().own_settings[Connection::Handle::kDisabledOptimizers] =
        duckdb::Value(names);
  });
}

void PrepareForFragments(Connection& connection) {
  auto& context = connection.handle().context();
  auto& config = context.config;
  connection.handle().runs_optimized = config.enable_optimizer;
  context.registered_state->GetOrCreate<FragmentState>(FragmentState::kKey)->is_optimized = true;
  // What users look into their own queries with.
  config.enable_profiler = false;
  config.query_verification_enabled = false;
  config.verify_serializer = false;
}

void RunFragment(Connection& connection, const std::string& bytes, const TaskInputs& inputs,
                 const std::string& path, const ExchangeOutput& output) {
  SetFragment(connection, bytes, inputs);
  std::string stand_in = StandIn(connection.handle().context());
  connection.Run(Statement::Parse(CopySql(path, output, std::move(stand_in))));
}

uint64_t WriteExchangeFile(Connection& connection, const Statement& rows, const std::string& path,
                           const ExchangeOutput& output) {
  ExchangeCopyOptions options;
  options.output = output;
  options.stand_in = StandIn(connection.handle().context());
  connection.Run(SqlOver("COPY (FROM \"{0}\") " + ExchangeCopyTarget(path, options), rows));
  return TakeExchangeWriteSummary(connection).value().file_id;
}

Statement QueryFragment(Connection& connection, const std::string& bytes, const TaskInputs& inputs,
                        const std::vector<std::string>& columns) {
  SetFragment(connection, bytes, inputs);
  std::string list;
  for (size_t i = 0; i < columns.size(); ++i) {
    list += (i ? ", c" : "c") + std::to_string(i) + " AS " + QuoteName(columns[i]);
  }
  return Statement::Parse("SELECT " + list + " FROM " + std::string(kFragmentName) + "()");
}

}  // namespace smallpond
