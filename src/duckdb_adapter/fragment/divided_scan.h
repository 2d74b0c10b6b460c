#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/fragment/fragment.h"
#include "duckdb_adapter/fragment/task_inputs.h"

namespace smallpond {

/// A scan of files whose list is left open, so that one fragment serves all tasks:
///
///     planned    GET read_parquet, files a b c …       bound once, over all files
///     fragment   GET smallpond_divided_scan 4          how it was bound, no list
///     task       GET read_parquet, files b             bound as it was planned
///
/// What was found out by looking into files is a part of the fragment: names, types, dialects. A
/// task decides none of it again, and opens no file but its own.
///
/// Registered on every database that plans or runs fragments.
duckdb::TableFunction DividedScanFunction();

/// Describes a planned scan of files, or nothing where `get` is none.
std::optional<FragmentScan> DescribeScan(const duckdb::LogicalGet& get, int id);

/// Whether a scan of files gives each row the number of its file, which only a task with all files
/// can tell.
bool NumbersFiles(const duckdb::LogicalGet& get);

/// Makes a planned scan of files one whose files are left open.
void LeaveFilesOpen(duckdb::LogicalGet& get, const FragmentScan& scan);

/// Returns the id of an open scan, or nothing where `get` is none.
std::optional<int> OpenScanId(const duckdb::LogicalGet& get);

/// Gives every open scan below `plan` its files. Rows of a part of a file are asked for by their
/// numbers. Table indexes come from `binder`.
void FillScans(duckdb::ClientContext& context, duckdb::Binder& binder,
               duckdb::unique_ptr<duckdb::LogicalOperator>& plan,
               const std::map<int, ScanInput>& inputs);

}  // namespace smallpond
