#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Writes a plan as bytes that LoadPlan reads in another process of the same version.
std::string SerializePlan(duckdb::ClientContext& context, const duckdb::LogicalOperator& plan);

/// Reads what SerializePlan wrote.
duckdb::unique_ptr<duckdb::LogicalOperator> LoadPlan(duckdb::ClientContext& context,
                                                     const std::string& bytes);

/// Whether only this process can read what a scan reads, which is none that DescribeScan describes:
/// it is not computed from constants.
bool IsOnlyHere(const duckdb::LogicalGet& get);
/// Throws Unsupported where that is so.
void CheckCanTravel(const duckdb::LogicalGet& get);
/// Throws Unsupported where the names of a scan's files or its options hold credentials, since what
/// travels is written to the job's folder.
void CheckHoldsNoSecrets(const duckdb::LogicalGet& get, const std::vector<std::string>& files);
/// Throws Unsupported where an expression of the plan calls a function that changes this session,
/// such as nextval.
void CheckFunctionsCanTravel(duckdb::LogicalOperator& plan);

}  // namespace smallpond
