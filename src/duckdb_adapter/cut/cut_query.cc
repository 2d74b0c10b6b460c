#include "duckdb_adapter/cut/cut_query.h"

#include "duckdb/optimizer/optimizer.hpp"
#include "duckdb_adapter/connection/connection_handle.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/errors.h"
#include "duckdb_adapter/sql/statement_tree.h"

namespace smallpond {
namespace {

// A fragment is bound into a small statement of its own, whose table indexes begin at 0. Those of
// the plan begin here.
constexpr int kFirstTableIndex = 100'000;

}  // namespace

CutQuery CutIntoFragments(Connection& connection, const Statement& query,
                          const CutOptions& options) {
  if (query.NeedsPreparation()) {
    throw Error(ErrorKind::kUnsupported, "PIVOT without an IN list looks at the rows first");
  }
  Statement copy = query.Copy();
  return TranslatingErrors([&] {
    CutQuery cut;
    auto& context = connection.handle().context();
    context.RunFunctionInTransaction([&] {
      duckdb::Planner planner(context);
      for (int i = 0; i < kFirstTableIndex; ++i) planner.binder->GenerateTableIndex();
      planner.CreatePlan(std::move(copy.tree().main));
      std::vector<std::string> names(planner.names.begin(), planner.names.end());
      duckdb::Optimizer optimizer(*planner.binder, context);
      auto plan = optimizer.Optimize(std::move(planner.plan));
      cut = PlanCutter(context, *planner.binder, options).Cut(std::move(plan));
      cut.columns = std::move(names);
    });
    return cut;
  });
}

}  // namespace smallpond
