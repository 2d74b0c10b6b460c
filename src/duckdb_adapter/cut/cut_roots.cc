// The queries of one job: PlanCutter's part that knows how a plan's rows leave, and how a later
// plan reads them.

#include "duckdb_adapter/analysis/nondeterministic_part.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/exchange/exchange_scan_data.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "duckdb_adapter/fragment/plan_bytes.h"
#include "duckdb_adapter/row_order.h"

namespace smallpond {

using duckdb::idx_t;
using duckdb::LogicalGet;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

void PlanCutter::TakeRoot(Operator plan) {
  root_ = std::move(plan);
  CheckFunctionsCanTravel(*root_);
  root_->ResolveOperatorTypes();
  RowOrders orders(
      [&](const LogicalOperator&) { return KeepsOrder() ? RowOrder::kStored : RowOrder::kNone; });
  is_ordered_ = orders.Of(*root_) != RowOrder::kNone;
  order_readers_ = orders.Readers(*root_, true);
  FindGuards(*root_);
  FindSortedUnions(*root_, orders);
  for (const auto* op : orders.Readers(*root_, false)) {
    if (op->type == LogicalOperatorType::LOGICAL_UNION) unions_in_order_.insert(op);
  }
}

void PlanCutter::FindGuards(const LogicalOperator& op) {
  for (const auto& child : op.children) FindGuards(*child);
  if (op.type != LogicalOperatorType::LOGICAL_PROJECTION || !CallsError(op)) return;
  const auto& rows = *op.children[0];
  bool has_first = std::any_of(rows.expressions.begin(), rows.expressions.end(), [](const auto& e) {
    return e->GetExpressionClass() == duckdb::ExpressionClass::BOUND_AGGREGATE &&
           e->template Cast<duckdb::BoundAggregateExpression>().function.name == "first";
  });
  if (has_first && HasOneRow(rows)) guards_.insert(&rows);
}

void PlanCutter::FindSortedUnions(LogicalOperator& op, RowOrders& orders) {
  bool any_sorted = false;
  for (auto& child : op.children) {
    FindSortedUnions(*child, orders);
    bool leads = child == op.children.front() && HasOneRow(*child);  // It goes to the first task.
    const LogicalOperator* rows = child.get();
    while (rows->type != LogicalOperatorType::LOGICAL_UNION && !rows->children.empty() &&
           smallpond::KeepsOrder(*rows)) {
      rows = rows->children[0].get();
    }
    any_sorted = any_sorted || unions_in_order_.count(rows) > 0 ||
                 (!leads && orders.Of(*child) == RowOrder::kSorted);
  }
  if (op.type == LogicalOperatorType::LOGICAL_UNION && any_sorted) unions_in_order_.insert(&op);
}

Distribution PlanCutter::CutRoot(Operator plan) {
  TakeRoot(std::move(plan));
  Distribution where = Distribute(root_);
  root_->ResolveOperatorTypes();
  return where;
}

int PlanCutter::AddPartitioned(Operator plan, const Distribution& from, PartitionFunction function,
                               int num_partitions) {
  plan->ResolveOperatorTypes();
  idx_t num_columns = plan->types.size() - 1;
  int fragment = AddFragment(std::move(plan), from, num_columns, 1, is_ordered_);
  auto& output = cut_.fragments[static_cast<size_t>(fragment)].output;
  output.function = function;
  output.num_partitions = num_partitions;
  return fragment;
}

void PlanCutter::CutResult(Operator plan) {
  Distribution where = CutRoot(std::move(plan));
  auto types = root_->types;
  if (IsLastFragment(*root_)) {
    return ReadResult(static_cast<int>(cut_.fragments.size()) - 1, types);
  }
  // The fragment has the result's columns alone, in their order.
  ReadResult(AddFragment(std::move(root_), where, types.size(), 0, is_ordered_), types);
}

bool PlanCutter::IsLastFragment(const LogicalOperator& op) const {
  if (op.type != LogicalOperatorType::LOGICAL_GET) return false;
  const auto& get = op.Cast<LogicalGet>();
  auto source = sources_.find(get.table_index);
  if (source == sources_.end()) return false;
  const Fragment& last = cut_.fragments.back();
  bool is_last = source->second.input.fragment == static_cast<int>(cut_.fragments.size()) - 1;
  bool is_all = get.projection_ids.empty() && get.GetColumnIds().size() == get.names.size();
  for (idx_t i = 0; is_all && i < get.names.size(); ++i) {
    is_all =
        !get.GetColumnIds()[i].IsVirtualColumn() && get.GetColumnIds()[i].GetPrimaryIndex() == i;
  }
  return is_last && is_all && !last.is_given && last.output.num_keys == 0;
}

void PlanCutter::ReadResult(int fragment, const duckdb::vector<duckdb::LogicalType>& types) {
  bool ordered = cut_.fragments[static_cast<size_t>(fragment)].output.ordered;
  auto result = ScanFragment(fragment, ExchangeKind::kGather, binder_.GenerateTableIndex(), types,
                             0, ordered);
  cut_.result_input = state_.next_id - 1;
  cut_.result = SerializePlan(context_, *result);
}

int PlanCutter::CutByNumber(Operator plan, int num_partitions) {
  Distribution where = CutRoot(std::move(plan));
  return AddPartitioned(std::move(root_), where, PartitionFunction::kNumber, num_partitions);
}

int PlanCutter::CutEvenly(Operator plan, int num_partitions) {
  Distribution where = CutRoot(std::move(plan));
  // The number of the row in its task: DuckDB streams it where nothing is sorted.
  Operator window = NumberRows(binder_, std::move(root_));
  auto projection = duckdb::make_uniq<duckdb::LogicalProjection>(binder_.GenerateTableIndex(),
                                                                 ColumnRefs(*window));
  KeepEstimate(*window, *projection);
  projection->children.push_back(std::move(window));
  return AddPartitioned(std::move(projection), where, PartitionFunction::kModulo, num_partitions);
}

int PlanCutter::CutWhole(Operator plan) {
  Distribution where = CutRoot(std::move(plan));
  idx_t num_columns = root_->types.size();
  return AddFragment(std::move(root_), where, num_columns, 0, is_ordered_);
}

int PlanCutter::CutPerPartition(Operator plan) {
  TakeRoot(std::move(plan));
  BroadcastScans(root_);
  root_->ResolveOperatorTypes();
  idx_t num_columns = root_->types.size();
  int fragment = AddFragment(std::move(root_), Distribution::Spread(), num_columns, 0, is_ordered_);
  state_.outputs.back().unique.clear();  // Another partition may have the same.
  return fragment;
}

int PlanCutter::CutPerPartition(Operator plan, int num_partitions) {
  TakeRoot(std::move(plan));
  BroadcastScans(root_);
  int fragment = AddPartitioned(std::move(root_), Distribution::Spread(),
                                PartitionFunction::kNumber, num_partitions);
  state_.outputs.back().unique.clear();
  return fragment;
}

void PlanCutter::BroadcastScans(Operator& slot) {
  for (auto& child : slot->children) BroadcastScans(child);
  if (slot->type != LogicalOperatorType::LOGICAL_GET) return;
  auto& get = slot->Cast<LogicalGet>();
  if (!slot->children.empty()) return CheckCanTravel(get);
  if (ReadPlanned(get)) return;
  Distribution where = DistributeScan(slot);
  Exchange(slot, where, ExchangeKind::kBroadcast);
}

std::optional<Distribution> PlanCutter::ReadPlanned(LogicalGet& get) {
  auto id = ExchangeInputId(get);
  if (!id || sources_.count(get.table_index)) return std::nullopt;
  const CutState::Planned& planned = state_.planned.at(*id);
  const auto& fragment = cut_.fragments[static_cast<size_t>(planned.fragment)];
  Source source;
  source.input = {state_.next_id++, planned.fragment, planned.kind};
  source.rows = planned.rows;
  source.ordered = planned.ordered;
  source.exclusive = planned.exclusive;
  bool is_spread = planned.kind == ExchangeKind::kForward ||
                   (planned.kind == ExchangeKind::kHash && fragment.output.num_partitions > 1);
  source.distribution = is_spread ? Distribution::Spread() : Distribution::Single();
  if (planned.kind == ExchangeKind::kBroadcast) source.distribution = Distribution::Replicated();
  get.bind_data = MakeExchangeScanBindData(source.input.id, get.names, get.returned_types,
                                           source.ordered, static_cast<idx_t>(source.rows));
  sources_[get.table_index] = source;
  return source.distribution;
}

Distribution PlanCutter::GiveScan(Operator& slot) {
  slot->ResolveOperatorTypes();
  auto columns = slot->GetColumnBindings();
  auto types = slot->types;
  auto& get = slot->Cast<LogicalGet>();
  double rows = static_cast<double>(slot->EstimateCardinality(context_));
  int fragment = state_.AddGiven("scan " + duckdb::StringUtil::Lower(get.GetName()), types.size(),
                                 rows, RowBytes(types));
  int pieces = cut_.fragments.back().output.num_partitions;
  auto table_index = binder_.GenerateTableIndex();
  auto kind = pieces > 1 ? ExchangeKind::kHash : ExchangeKind::kGather;
  auto read = ScanFragment(fragment, kind, table_index, types, rows, true);
  state_.given_scans[fragment] = std::exchange(slot, std::move(read));
  text_.Rename(columns, table_index);
  ReplaceColumns(columns, table_index, *slot);
  Distribution where = pieces > 1 ? Distribution::Spread() : Distribution::Single();
  sources_[table_index].distribution = where;
  return where;
}

}  // namespace smallpond
