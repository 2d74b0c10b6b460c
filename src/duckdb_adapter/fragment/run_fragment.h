#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/fragment/task_inputs.h"
#include "duckdb_adapter/sql/statement.h"
#include "exchange/exchange_output.h"

namespace smallpond {

/// Prepares a database for cutting queries and running fragments: registers what their plans use,
/// and leaves out the optimizer's rewrites whose results can't leave a process. Once, before its
/// first connection. Queries run on such a database are right, but can be slower.
void PrepareForStages(Database& database);

/// Makes a connection one that runs a fragment as it is, without optimizing it again. Statements
/// that hold no fragment are optimized.
void PrepareForFragments(Connection& connection);

/// Runs a fragment over one task's inputs and writes its rows to an exchange file at `path`. Throws
/// smallpond::Error; the connection is good for another fragment afterwards.
void RunFragment(Connection& connection, const std::string& bytes, const TaskInputs& inputs,
                 const std::string& path, const ExchangeOutput& output);

/// Writes a query's rows, with the keys of `output`, to an exchange file at `path`. Returns the
/// file's id.
uint64_t WriteExchangeFile(Connection& connection, const Statement& rows, const std::string& path,
                           const ExchangeOutput& output);

/// Returns the query for the rows of a plan without keys, with these names. The connection keeps
/// the plan and its inputs until the next call.
Statement QueryFragment(Connection& connection, const std::string& bytes, const TaskInputs& inputs,
                        const std::vector<std::string>& columns);

}  // namespace smallpond
