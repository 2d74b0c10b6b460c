#include "duckdb_adapter/cut/plan_cutter.h"

#include "duckdb/main/settings.hpp"
#include "duckdb_adapter/analysis/nondeterministic_part.h"
#include "duckdb_adapter/analysis/row_order.h"
#include "duckdb_adapter/exchange/exchange_functions.h"
#include "duckdb_adapter/fragment/divided_scan.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "duckdb_adapter/fragment/plan_bytes.h"
#include "smallpond/error.h"

namespace smallpond {

using duckdb::idx_t;
using duckdb::LogicalGet;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

Distribution PlanCutter::CutRoot(Operator plan) {
  root_ = std::move(plan);
  CheckFunctionsCanTravel(*root_);
  root_->ResolveOperatorTypes();
  RowOrders orders(
      [&](const LogicalOperator&) { return KeepsOrder() ? RowOrder::kStored : RowOrder::kNone; });
  is_ordered_ = orders.Of(*root_) != RowOrder::kNone;
  order_readers_ = orders.Readers(*root_);
  return Distribute(root_);
}

void PlanCutter::CutResult(Operator plan) {
  Distribution where = CutRoot(std::move(plan));
  root_->ResolveOperatorTypes();
  auto types = root_->types;
  // The fragment has the result's columns alone, in their order.
  ReadResult(AddFragment(std::move(root_), where, types.size(), 0, is_ordered_), types);
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
  root_->ResolveOperatorTypes();
  idx_t num_columns = root_->types.size() - 1;
  int fragment = AddFragment(std::move(root_), where, num_columns, 1, is_ordered_);
  auto& output = cut_.fragments[static_cast<size_t>(fragment)].output;
  output.function = PartitionFunction::kNumber;
  output.num_partitions = num_partitions;
  return fragment;
}

int PlanCutter::CutEvenly(Operator plan, int num_partitions) {
  Distribution where = CutRoot(std::move(plan));
  root_->ResolveOperatorTypes();
  idx_t num_columns = root_->types.size();
  // The number of the row in its task: DuckDB streams it where nothing is sorted.
  auto number = duckdb::make_uniq<duckdb::BoundWindowExpression>(
      duckdb::ExpressionType::WINDOW_ROW_NUMBER, duckdb::LogicalType::BIGINT, nullptr, nullptr);
  number->start = duckdb::WindowBoundary::UNBOUNDED_PRECEDING;
  number->end = duckdb::WindowBoundary::CURRENT_ROW_ROWS;
  auto window = duckdb::make_uniq<duckdb::LogicalWindow>(binder_.GenerateTableIndex());
  window->expressions.push_back(std::move(number));
  KeepEstimate(*root_, *window);
  window->children.push_back(std::move(root_));
  window->ResolveOperatorTypes();
  auto projection = duckdb::make_uniq<duckdb::LogicalProjection>(binder_.GenerateTableIndex(),
                                                                 ColumnRefs(*window));
  KeepEstimate(*window, *projection);
  projection->children.push_back(std::move(window));
  int fragment = AddFragment(std::move(projection), where, num_columns, 1, is_ordered_);
  auto& output = cut_.fragments[static_cast<size_t>(fragment)].output;
  output.function = PartitionFunction::kModulo;
  output.num_partitions = num_partitions;
  return fragment;
}

int PlanCutter::CutWhole(Operator plan) {
  Distribution where = CutRoot(std::move(plan));
  root_->ResolveOperatorTypes();
  idx_t num_columns = root_->types.size();
  return AddFragment(std::move(root_), where, num_columns, 0, is_ordered_);
}

int PlanCutter::CutPerPartition(Operator plan) {
  root_ = std::move(plan);
  CheckFunctionsCanTravel(*root_);
  root_->ResolveOperatorTypes();
  RowOrders orders(
      [&](const LogicalOperator&) { return KeepsOrder() ? RowOrder::kStored : RowOrder::kNone; });
  is_ordered_ = orders.Of(*root_) != RowOrder::kNone;
  BroadcastScans(root_);
  root_->ResolveOperatorTypes();
  idx_t num_columns = root_->types.size();
  return AddFragment(std::move(root_), Distribution::Spread(), num_columns, 0, is_ordered_);
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

bool PlanCutter::KeepsOrder() const {
  return duckdb::Settings::Get<duckdb::PreserveInsertionOrderSetting>(context_);
}

Distribution PlanCutter::Distribute(Operator& slot) {
  bool above = std::exchange(keep_order_, order_readers_.count(slot.get()) > 0);
  Distribution where = DistributeByType(slot);
  keep_order_ = above;
  return where;
}

Distribution PlanCutter::DistributeByType(Operator& slot) {
  switch (slot->type) {
    case LogicalOperatorType::LOGICAL_GET:
      return DistributeScan(slot);
    case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
    case LogicalOperatorType::LOGICAL_CHUNK_GET:
    case LogicalOperatorType::LOGICAL_EMPTY_RESULT:
      return Distribution::Replicated();
    case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
      return DistributeValues(slot);
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_UNNEST:
    case LogicalOperatorType::LOGICAL_PROJECTION:
      return DistributeProjection(slot);
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
      return DistributeAggregate(slot);
    case LogicalOperatorType::LOGICAL_DISTINCT:
      return DistributeDistinct(slot);
    case LogicalOperatorType::LOGICAL_TOP_N:
      return DistributeTopN(slot);
    case LogicalOperatorType::LOGICAL_LIMIT:
      return DistributeLimit(slot);
    case LogicalOperatorType::LOGICAL_UNION:
      return DistributeUnion(slot);
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
      return DistributeJoin(slot);
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
      return DistributeCrossProduct(slot);
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
      return DistributeDelimJoin(slot);
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
      return DistributeCommonTable(slot);
    case LogicalOperatorType::LOGICAL_ORDER_BY:
      return GatherChildren(slot, "ORDER BY");
    case LogicalOperatorType::LOGICAL_RECURSIVE_CTE:
      ReadInOneTask(slot);  // Its inside refers to itself, so nothing in it is cut.
      NoteGathered(*slot, "recursion");
      return Distribution::Single();
    case LogicalOperatorType::LOGICAL_POSITIONAL_JOIN:
      throw Error(ErrorKind::kUnsupported, "POSITIONAL JOIN goes by the order of all rows");
    default:
      return GatherChildren(slot, slot->GetName());
  }
}

Distribution PlanCutter::DistributeScan(Operator& slot) {
  auto& get = slot->Cast<LogicalGet>();
  auto source = sources_.find(get.table_index);
  if (source != sources_.end()) return source->second.distribution;
  if (auto where = ReadPlanned(get)) return *where;
  // A table function of another table's rows may look at several of them.
  if (!slot->children.empty()) {
    CheckCanTravel(get);
    return GatherChildren(slot, duckdb::StringUtil::Lower(get.GetName()) + " of a table's rows");
  }
  auto scan = DescribeScan(get, state_.next_id);
  if (!scan) return IsOnlyHere(get) ? GiveScan(slot) : Distribution::Single();
  return OpenScan(get, *scan) ? Distribution::Spread() : Distribution::Single();
}

Distribution PlanCutter::GiveScan(Operator& slot) {
  slot->ResolveOperatorTypes();
  auto columns = slot->GetColumnBindings();
  auto types = slot->types;
  auto& get = slot->Cast<LogicalGet>();
  double rows = static_cast<double>(slot->EstimateCardinality(context_));
  constexpr double kRowsPerPiece = 50'000;
  int pieces = rows < kRowsPerPiece ? 1 : state_.given_partitions;
  int fragment = state_.AddGiven("scan " + duckdb::StringUtil::Lower(get.GetName()), types.size(),
                                 rows, RowBytes(types), pieces);
  auto table_index = binder_.GenerateTableIndex();
  auto kind = pieces > 1 ? ExchangeKind::kHash : ExchangeKind::kGather;
  auto read = ScanFragment(fragment, kind, table_index, types, rows, true);
  state_.given_scans[fragment] = {std::exchange(slot, std::move(read)), rows, pieces};
  text_.Rename(columns, table_index);
  ReplaceColumns(columns, table_index, *slot);
  Distribution where = pieces > 1 ? Distribution::Spread() : Distribution::Single();
  sources_[table_index].distribution = where;
  return where;
}

bool PlanCutter::OpenScan(LogicalGet& get, const FragmentScan& scan) {
  ++state_.next_id;
  bool in_one_task = NumbersFiles(get);
  CheckHoldsNoSecrets(get, scan.files);
  LeaveFilesOpen(get, scan);
  scans_[get.table_index] = scan;
  return options_.is_divided(scan) && !in_one_task;
}

Distribution PlanCutter::DistributeValues(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  bool is_replicated = where.kind == Distribution::Kind::kReplicated;
  if (is_replicated && !NondeterministicPart(*slot).empty()) return Distribution::Single();
  where.keys.clear();
  return where;
}

void PlanCutter::ReadInOneTask(Operator& slot) {
  for (auto& child : slot->children) ReadInOneTask(child);
  if (slot->type != LogicalOperatorType::LOGICAL_GET) return;
  auto& get = slot->Cast<LogicalGet>();
  ReadPlanned(get);
  if (ReadOtherwise(get, ExchangeKind::kGather)) return;
  if (!slot->children.empty()) return CheckCanTravel(get);
  if (auto scan = DescribeScan(get, state_.next_id)) {
    OpenScan(get, *scan);
  } else if (IsOnlyHere(get)) {
    GiveScan(slot);
    ReadOtherwise(*slot, ExchangeKind::kGather);
  }
}

Distribution PlanCutter::DistributeProjection(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  bool is_replicated = where.kind == Distribution::Kind::kReplicated;
  if (is_replicated && !NondeterministicPart(*slot).empty()) return Distribution::Single();
  if (slot->type == LogicalOperatorType::LOGICAL_PROJECTION) {
    auto& projection = slot->Cast<duckdb::LogicalProjection>();
    where.keys = ProjectKeys(where.keys, projection.table_index, projection.expressions);
  }
  return where;
}

Distribution PlanCutter::DistributeDistinct(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  if (!where.is_spread()) return Distribution::Single();
  auto& distinct = slot->Cast<duckdb::LogicalDistinct>();
  std::vector<duckdb::Expression*> targets;
  for (auto& target : distinct.distinct_targets) targets.push_back(target.get());
  if (!FindKeys(where.keys, targets).empty()) return where;
  bool is_plain = distinct.distinct_type == duckdb::DistinctType::DISTINCT;
  if (is_plain) {  // Each task drops its own doubles first.
    auto before = duckdb::make_uniq<duckdb::LogicalDistinct>(Copies(distinct.distinct_targets),
                                                             duckdb::DistinctType::DISTINCT);
    partial_.insert(before.get());
    before->children.push_back(std::move(slot->children[0]));
    slot->children[0] = std::move(before);
  }
  auto keys = Copies(distinct.distinct_targets);
  if (std::any_of(keys.begin(), keys.end(), [](const auto& key) { return key->IsVolatile(); })) {
    NoteGathered(*slot, "DISTINCT ON a volatile expression");
    return Exchange(slot->children[0], where, ExchangeKind::kGather);
  }
  return Exchange(slot->children[0], where, ExchangeKind::kHash, std::move(keys));
}

Distribution PlanCutter::DistributeTopN(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  if (!where.is_spread()) return Distribution::Single();
  auto& top = slot->Cast<duckdb::LogicalTopN>();
  duckdb::vector<duckdb::BoundOrderByNode> orders;
  for (const auto& order : top.orders) orders.push_back(order.Copy());
  auto before =
      duckdb::make_uniq<duckdb::LogicalTopN>(std::move(orders), top.limit + top.offset, idx_t{0});
  partial_.insert(before.get());
  before->children.push_back(std::move(slot->children[0]));
  slot->children[0] = std::move(before);
  Exchange(slot->children[0], where, ExchangeKind::kGather);
  return Distribution::Single();
}

Distribution PlanCutter::DistributeLimit(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  if (!where.is_spread()) return Distribution::Single();
  auto& limit = slot->Cast<duckdb::LogicalLimit>();
  bool is_constant = limit.limit_val.Type() == duckdb::LimitNodeType::CONSTANT_VALUE &&
                     (limit.offset_val.Type() == duckdb::LimitNodeType::CONSTANT_VALUE ||
                      limit.offset_val.Type() == duckdb::LimitNodeType::UNSET);
  idx_t offset = is_constant && limit.offset_val.Type() == duckdb::LimitNodeType::CONSTANT_VALUE
                     ? limit.offset_val.GetConstantValue()
                     : 0;
  constexpr idx_t kMaxRows = INT64_MAX;
  if (is_constant && limit.limit_val.GetConstantValue() <= kMaxRows - offset) {
    auto rows = static_cast<int64_t>(limit.limit_val.GetConstantValue() + offset);
    auto before = duckdb::make_uniq<duckdb::LogicalLimit>(
        duckdb::BoundLimitNode::ConstantValue(rows), duckdb::BoundLimitNode());
    partial_.insert(before.get());
    before->children.push_back(std::move(slot->children[0]));
    slot->children[0] = std::move(before);
  }
  Exchange(slot->children[0], where, ExchangeKind::kGather);
  return Distribution::Single();
}

Distribution PlanCutter::DistributeUnion(Operator& slot) {
  auto& set = slot->Cast<duckdb::LogicalSetOperation>();
  if (!set.setop_all) return GatherChildren(slot, "UNION without ALL");
  std::vector<Distribution> where;
  bool any_spread = false;
  for (auto& child : slot->children) {
    where.push_back(Distribute(child));
    any_spread = any_spread || where.back().is_spread();
  }
  if (!any_spread) return Distribution::Single();
  // What one task has is read by one task, so that its rows come once.
  for (size_t i = 0; i < where.size(); ++i) {
    if (!where[i].is_spread()) Exchange(slot->children[i], where[i], ExchangeKind::kForward);
  }
  return Distribution::Spread();
}

Distribution PlanCutter::GatherChildren(Operator& slot, const std::string& why) {
  bool any_spread = false;
  for (auto& child : slot->children) {
    Distribution where = Distribute(child);
    if (!where.is_spread()) continue;
    any_spread = true;
    Exchange(child, where, ExchangeKind::kGather);
  }
  if (any_spread) NoteGathered(*slot, why);
  return Distribution::Single();
}

Distribution PlanCutter::DistributeCommonTable(Operator& slot) {
  auto& table = slot->Cast<duckdb::LogicalMaterializedCTE>();
  Distribution where = Distribute(slot->children[0]);
  Exchange(slot->children[0], where, ExchangeKind::kForward);
  Operator definition = std::move(slot->children[0]);
  std::function<void(Operator&)> replace = [&](Operator& op) {
    if (op->type == LogicalOperatorType::LOGICAL_CTE_REF) {
      auto& reference = op->Cast<duckdb::LogicalCTERef>();
      if (reference.cte_index == table.table_index)
        op = ScanAgain(*definition, reference.table_index);
      return;
    }
    for (auto& child : op->children) replace(child);
  };
  replace(slot->children[1]);
  slot = Operator(std::move(slot->children[1]));
  return Distribute(slot);
}

bool PlanCutter::IsSmall(LogicalOperator& op) {
  return EstimateBytes(op) <= options_.broadcast_bytes;
}

}  // namespace smallpond
