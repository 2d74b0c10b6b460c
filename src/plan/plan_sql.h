#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "plan/logical_plan.h"
#include "smallpond/value.h"

namespace smallpond {

/// What a query may refer to.
struct PlanSqlInputs {
  std::vector<PlanRef> positional;
  std::map<std::string, PlanRef> named;
  std::vector<Value> params;
  std::map<std::string, Value> named_params;
  /// Finds a plan for a name that nothing else defines; may be empty.
  std::function<std::optional<PlanRef>(const std::string& name)> resolve;
  /// Names that `resolve` finds, for errors; may be empty.
  std::function<std::vector<std::string>()> in_reach;
  /// Whether to find out how large the files are that the query reads (SqlQuery::file_bytes).
  bool measures_files = false;
  /// Binds a query whose columns depend on the data (PIVOT without an IN list) over its real
  /// inputs.
  std::function<Schema(const SqlQuery& query)> bind_on_data;
  /// Runs the binding, which looks at files and may take long; may be empty.
  std::function<void(const std::function<void()>& work)> run_long;
};

/// Parses `text`, resolves its names, binds it and decides how it treats partitions. Inputs that no
/// name of the query means are passed over. Throws InvalidInput or Unsupported.
PlanRef PlanSql(Connection& connection, const std::string& text, const PlanSqlInputs& inputs,
                SqlQuery::Mode mode);

/// Puts the plans that the table names of a statement mean into it, read by `lower`. Returns them:
/// they must outlive the statement's run.
std::map<std::string, PlanRef> ResolveTables(Connection& connection, Statement& statement,
                                             const PlanSqlInputs& inputs,
                                             const std::function<Statement(const PlanRef&)>& lower);

}  // namespace smallpond
