// Numbers by which rows are found again: PlanCutter's part that gives each row its own.
//
//     rows    →    fragment   rows, row_number() OVER () n    each task counts its own
//                  scan       rows, w * 2^40 + n              w: the task that wrote a row
//
// Whoever reads the fragment sees the same numbers, and no two rows have the same.

#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/exchange/exchange_scan_data.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {

using duckdb::idx_t;
using duckdb::LogicalType;

namespace {

/// Rows that a task writes, at most: 8 million tasks have room beside them.
constexpr int64_t kRowsOfOneTask = int64_t{1} << 40;

}  // namespace

PlanCutter::Operator PlanCutter::WithUniqueNumbers(Operator scan, idx_t number, idx_t table_index) {
  auto& get = scan->Cast<duckdb::LogicalGet>();
  auto& ids = get.GetColumnIds();
  if (ids.back().GetPrimaryIndex() != kWriterColumnId) get.AddColumnId(kWriterColumnId);
  scan->ResolveOperatorTypes();
  auto outputs = ColumnRefs(*scan);
  Expressions task;
  task.push_back(std::move(outputs.back()));
  task.push_back(Constant(duckdb::Value::BIGINT(kRowsOfOneTask)));
  outputs.pop_back();
  Expressions sum;
  sum.push_back(CallSystemFunction(context_, "*", std::move(task)));
  sum.push_back(std::move(outputs[number]));
  outputs[number] = CallSystemFunction(context_, "+", std::move(sum));
  return Project(table_index, std::move(scan), std::move(outputs));
}

duckdb::LogicalGet& PlanCutter::MakeNumbersUnique(Operator& slot, idx_t number) {
  auto columns = slot->GetColumnBindings();
  auto table_index = binder_.GenerateTableIndex();
  slot = WithUniqueNumbers(std::move(slot), number, table_index);
  text_.Rename(columns, table_index);
  ReplaceColumns(columns, table_index, *slot);
  return slot->children[0]->Cast<duckdb::LogicalGet>();
}

}  // namespace smallpond
