// Sorting by ranges: PlanCutter's part about ORDER BY.
//
//     ORDER BY k                 sample      key of some rows → one sorted list        broadcast
//     └── rows            →      rows        + the number of their range in that list  by range
//                                ORDER BY k  of one range                              n tasks
//
// All who place rows go by one sample, which another fragment made: what is lost and made again
// later goes where it went before.

#include "duckdb/optimizer/optimizer.hpp"
#include "duckdb/optimizer/remove_unused_columns.hpp"
#include "duckdb_adapter/analysis/nondeterministic_part.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/cut/split_aggregates.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "duckdb_adapter/fragment/range_numbers.h"

namespace smallpond {
namespace {

using duckdb::BoundOrderByNode;
using duckdb::idx_t;
using duckdb::LogicalGet;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::LogicalType;
using ExpressionPtr = duckdb::unique_ptr<duckdb::Expression>;
using Operator = duckdb::unique_ptr<LogicalOperator>;

/// Keys of a sample, at most.
constexpr idx_t kSampleKeys = 30'000;
/// How many times too high an estimate of rows is expected to be, where something filters or joins
/// them.
constexpr double kOverestimate = 10;

// Leaves about this share of the rows.
Operator TakeShare(duckdb::ClientContext& context, Operator rows, double share) {
  if (share >= 1) return rows;
  auto condition = duckdb::make_uniq<duckdb::BoundComparisonExpression>(
      duckdb::ExpressionType::COMPARE_LESSTHAN, CallSystemFunction(context, "random", {}),
      Constant(duckdb::Value::DOUBLE(share)));
  auto filter = duckdb::make_uniq<duckdb::LogicalFilter>(std::move(condition));
  filter->SetEstimatedCardinality(
      static_cast<idx_t>(static_cast<double>(rows->EstimateCardinality(context)) * share));
  filter->children.push_back(std::move(rows));
  filter->ResolveOperatorTypes();
  return filter;
}

// Leaves so many of the values of `expression`, whichever, however many rows there are.
Operator TakeAny(duckdb::ClientContext& context, duckdb::Binder& binder, Operator rows,
                 ExpressionPtr expression, idx_t limit) {
  duckdb::vector<ExpressionPtr> outputs;
  outputs.push_back(std::move(expression));
  outputs.push_back(CallSystemFunction(context, "random", {}));
  outputs[1]->alias = "random()";
  auto values = Project(binder, std::move(rows), std::move(outputs));
  auto columns = ColumnRefs(*values);
  duckdb::vector<BoundOrderByNode> orders;
  orders.emplace_back(duckdb::OrderType::ASCENDING, duckdb::OrderByNullType::NULLS_LAST,
                      std::move(columns[1]));
  auto top = duckdb::make_uniq<duckdb::LogicalTopN>(std::move(orders), limit, idx_t{0});
  top->SetEstimatedCardinality(limit);
  top->children.push_back(std::move(values));
  top->ResolveOperatorTypes();
  duckdb::vector<ExpressionPtr> first;
  first.push_back(std::move(columns[0]));
  return Project(binder, std::move(top), std::move(first));
}

// Puts all values of a plan's one column into a list.
Operator ListOf(duckdb::ClientContext& context, duckdb::Binder& binder, Operator values) {
  duckdb::vector<ExpressionPtr> aggregates;
  aggregates.push_back(BindAggregate(context, "list", ColumnRefs(*values)));
  auto aggregate = NewAggregate(binder, {}, std::move(aggregates));
  aggregate->SetEstimatedCardinality(1);
  aggregate->children.push_back(std::move(values));
  aggregate->ResolveOperatorTypes();
  return aggregate;
}

// Makes scans and filters below give all their columns: RemoveUnusedColumns does not know that they
// leave some out.
void ShowAllColumns(LogicalOperator& op) {
  for (auto& child : op.children) ShowAllColumns(*child);
  if (op.type == LogicalOperatorType::LOGICAL_FILTER) {
    op.Cast<duckdb::LogicalFilter>().projection_map.clear();
  } else if (op.type == LogicalOperatorType::LOGICAL_GET) {
    op.Cast<LogicalGet>().projection_ids.clear();
  }
}

// Whether the estimate of rows is the number in the files.
bool HasAllRows(const LogicalOperator& op) {
  if (op.type == LogicalOperatorType::LOGICAL_PROJECTION) return HasAllRows(*op.children[0]);
  return op.type == LogicalOperatorType::LOGICAL_GET &&
         op.Cast<LogicalGet>().table_filters.filters.empty();
}

}  // namespace

Distribution PlanCutter::DistributeOrder(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  if (!where.is_spread()) return Distribution::Single();
  auto& orders = slot->Cast<duckdb::LogicalOrder>().orders;
  bool is_volatile = std::any_of(orders.begin(), orders.end(),
                                 [](const auto& order) { return order.expression->IsVolatile(); });
  if (is_volatile || IsSmall(*slot->children[0])) {
    Exchange(slot->children[0], where, ExchangeKind::kGather);
    NoteGathered(*slot,
                 is_volatile ? "ORDER BY a volatile expression" : "ORDER BY of what is small");
    return Distribution::Single();
  }
  where = ComputeOnce(slot->children[0], where);
  int sample = CutSample(*slot->children[0], orders);
  MoveByRange(slot->children[0], where, orders, sample, Ties::kAnywhere);
  return Distribution::Spread();
}

bool PlanCutter::IsScan(LogicalOperator& op) const {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_GET:
      return scans_.count(op.Cast<LogicalGet>().table_index) > 0;
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_PROJECTION:
      return NondeterministicPart(op).empty() && IsScan(*op.children[0]);
    default:
      return false;
  }
}

int PlanCutter::CutSample(LogicalOperator& rows, const duckdb::vector<BoundOrderByNode>& orders) {
  PlanCutter other(context_, binder_, options_, state_);
  auto estimate = static_cast<double>(rows.EstimateCardinality(context_));
  double share = kSampleKeys / std::max(1.0, estimate);
  Operator plan = RowsAgain(rows, other);
  share *= IsScan(rows) && HasAllRows(rows) ? 2 : kOverestimate;
  plan = TakeShare(context_, std::move(plan), share);
  plan = TakeAny(context_, binder_, std::move(plan), ShortKey(context_, SortKey(context_, orders)),
                 kSampleKeys);
  plan = ListOf(context_, binder_, std::move(plan));
  duckdb::vector<ExpressionPtr> sorted;
  sorted.push_back(SampleOf(context_, std::move(ColumnRefs(*plan)[0])));
  plan = Project(binder_, std::move(plan), std::move(sorted));
  int sample = other.CutRowsAgain(std::move(plan));
  Fragment& fragment = cut_.fragments[static_cast<size_t>(sample)];
  fragment.operators[0].text = text_.SortText("sample of keys to sort by", orders);
  fragment.gathered.clear();  // Its one task has little to do.
  return sample;
}

// Copies a scan of files or of a fragment's rows, for a plan of its own that `other` cuts.
PlanCutter::Operator PlanCutter::RowsAgain(LogicalOperator& rows, PlanCutter& other) {
  if (!IsScan(rows)) {
    auto table_index = rows.Cast<LogicalGet>().table_index;
    other.sources_[table_index] = sources_.at(table_index);
    return other.ScanAgain(rows, table_index);
  }
  other.scans_ = scans_;
  auto copy = rows.Copy(context_);
  copy->ResolveOperatorTypes();
  return copy;
}

// Cuts a plan over RowsAgain, which reads those columns alone that it needs.
int PlanCutter::CutRowsAgain(Operator plan) {
  ReadNeededColumns(*plan);
  return CutWhole(std::move(plan));
}

void PlanCutter::ReadNeededColumns(LogicalOperator& plan) {
  ShowAllColumns(plan);
  duckdb::Optimizer optimizer(binder_, context_);
  duckdb::RemoveUnusedColumns(optimizer).VisitOperator(plan);
}

duckdb::ColumnBinding PlanCutter::MoveByRange(Operator& slot, const Distribution& from,
                                              const duckdb::vector<BoundOrderByNode>& orders,
                                              int sample, Ties ties) {
  slot->ResolveOperatorTypes();
  auto columns = slot->GetColumnBindings();
  auto types = slot->types;
  double rows = static_cast<double>(slot->EstimateCardinality(context_));
  Operator numbered = NumberRanges(std::move(slot), orders, sample, ties);
  if (ties == Ties::kTogether) {
    types.push_back(numbered->types.back());
    auto outputs = ColumnRefs(*numbered);
    outputs.push_back(outputs.back()->Copy());
    numbered = Project(binder_, std::move(numbered), std::move(outputs));
  }
  int fragment = AddFragment(std::move(numbered), from, types.size(), 1, false);
  if (from.is_spread()) KeepUniqueWhere(from, columns);
  cut_.fragments[static_cast<size_t>(fragment)].output.function = PartitionFunction::kRange;
  cut_.fragments[static_cast<size_t>(fragment)].operators[0].text =
      text_.SortText("into ranges of", orders);

  auto table_index = binder_.GenerateTableIndex();
  slot = ScanFragment(fragment, ExchangeKind::kRange, table_index, types, rows, false);
  text_.Rename(columns, table_index);
  text_.Set(table_index, columns.size(), "range");
  ReplaceColumns(columns, table_index, *slot);
  sources_[table_index].distribution = Distribution::Spread();
  return {table_index, columns.size()};
}

// Adds the number of its range to each row, as the last column.
PlanCutter::Operator PlanCutter::NumberRanges(Operator rows,
                                              const duckdb::vector<BoundOrderByNode>& orders,
                                              int sample, Ties ties) {
  auto list = ScanRow(sample, ExchangeKind::kBroadcast, {LogicalType::LIST(LogicalType::BLOB)});
  auto outputs = ColumnRefs(*rows);
  outputs.push_back(
      RangeNumber(context_, SortKey(context_, orders), std::move(ColumnRefs(*list)[0]),
                  ties == Ties::kTogether ? duckdb::vector<ExpressionPtr>() : ColumnRefs(*rows)));
  auto estimate = rows->EstimateCardinality(context_);
  auto with_list = duckdb::make_uniq<duckdb::LogicalCrossProduct>(std::move(rows), std::move(list));
  with_list->SetEstimatedCardinality(estimate);
  return Project(binder_, std::move(with_list), std::move(outputs));
}

}  // namespace smallpond
