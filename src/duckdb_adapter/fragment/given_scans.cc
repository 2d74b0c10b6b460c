#include "duckdb_adapter/fragment/given_scans.h"

#include <map>

#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

constexpr const char* kGivenScanName = "smallpond_given_scan";

struct GivenScansState : duckdb::ClientContextState {
  static constexpr const char* kKey = "smallpond_given_scans";
  std::map<int, duckdb::unique_ptr<duckdb::LogicalOperator>> scans;
};

duckdb::unique_ptr<duckdb::LogicalOperator> BindGivenScan(duckdb::ClientContext& context,
                                                          duckdb::TableFunctionBindInput& input,
                                                          duckdb::idx_t bind_index,
                                                          duckdb::vector<std::string>& names) {
  auto state = context.registered_state->Get<GivenScansState>(GivenScansState::kKey);
  int id = input.inputs[0].GetValue<int32_t>();
  if (!state || !state->scans.count(id)) {
    throw duckdb::InvalidInputException("%s is not for queries", kGivenScanName);
  }
  auto scan = std::move(state->scans[id]);
  state->scans.erase(id);
  const bool optimizes = std::exchange(context.config.enable_optimizer, false);  // It is already.
  scan->ResolveOperatorTypes();
  return PlannedWithOptimizer(NumberColumns(std::move(scan), bind_index, names), optimizes);
}

}  // namespace

duckdb::TableFunction GivenScanFunction() {
  duckdb::TableFunction function(kGivenScanName, {duckdb::LogicalType::INTEGER}, nullptr, nullptr);
  function.bind_operator = kGuarded<BindGivenScan>;
  return function;
}

Statement QueryGivenScan(Connection& connection, int id,
                         duckdb::unique_ptr<duckdb::LogicalOperator> scan) {
  auto& handle = connection.handle();
  if (!handle.runs_optimized) handle.runs_optimized = handle.context().config.enable_optimizer;
  auto state =
      handle.context().registered_state->GetOrCreate<GivenScansState>(GivenScansState::kKey);
  state->scans[id] = std::move(scan);
  return Statement::Parse("FROM " + std::string(kGivenScanName) + "(" + std::to_string(id) + ")");
}

}  // namespace smallpond
