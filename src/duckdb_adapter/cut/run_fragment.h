#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/cut/task_inputs.h"
#include "duckdb_adapter/statement.h"

namespace smallpond {

/// Prepares a database for cutting queries and running fragments: registers what their plans use,
/// and leaves out the optimizer's rewrites whose results can't leave a process. Once, before its
/// first connection. Queries run on such a database are right, but can be slower.
void PrepareForStages(Database& database);

/// Makes a connection one that runs a fragment as it is, without optimizing it again.
void PrepareForFragments(Connection& connection);

/// How a fragment's rows are written.
struct FragmentOutput {
  std::string path;
  int num_columns = 0;  ///< Without the keys.
  int num_keys = 0;     ///< Hashed for the partition; 0: one partition.
  int num_partitions = 1;
  bool ordered = false;
};

/// Runs a fragment over one task's inputs and writes its rows to an exchange file. Throws
/// smallpond::Error; the connection is good for another fragment afterwards.
void RunFragment(Connection& connection, const std::string& bytes, const TaskInputs& inputs,
                 const FragmentOutput& output);

/// Returns the query for the rows of a plan without keys, with these names. The connection keeps
/// the plan and its inputs until the next call.
Statement QueryFragment(Connection& connection, const std::string& bytes, const TaskInputs& inputs,
                        const std::vector<std::string>& columns);

}  // namespace smallpond
