#include "duckdb_adapter/cut/plan_cutter.h"

#include "duckdb/main/settings.hpp"
#include "duckdb/optimizer/column_binding_replacer.hpp"
#include "duckdb_adapter/cut/divided_scan.h"
#include "duckdb_adapter/cut/fragment.h"
#include "duckdb_adapter/cut/new_operators.h"
#include "duckdb_adapter/exchange_functions.h"
#include "duckdb_adapter/indeterminate_part.h"
#include "duckdb_adapter/row_order.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

using duckdb::ColumnBinding;
using duckdb::idx_t;
using duckdb::LogicalGet;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

double TypeBytes(const duckdb::LogicalType& type) {
  constexpr double kTextBytes = 24;
  auto physical = type.InternalType();
  return duckdb::TypeIsConstantSize(physical) ? static_cast<double>(duckdb::GetTypeIdSize(physical))
                                              : kTextBytes;
}

double RowBytes(const duckdb::vector<duckdb::LogicalType>& types) {
  double bytes = 1;
  for (const auto& type : types) bytes += TypeBytes(type);
  return bytes;
}

// Rows that are apart in each task are so in all where equal ones are in one task.
void KeepUniqueWhere(const Distribution& where, const duckdb::vector<ColumnBinding>& columns,
                     OutputFacts& facts) {
  auto is_unique = [&](const HashKey& key) {
    return std::any_of(facts.unique.begin(), facts.unique.end(),
                       [&](size_t i) { return i < columns.size() && key.Has(columns[i]); });
  };
  bool all = !where.keys.empty() && std::all_of(where.keys.begin(), where.keys.end(), is_unique);
  if (!all) facts.unique.clear();
}

}  // namespace

CutQuery PlanCutter::Cut(Operator plan) {
  root_ = std::move(plan);
  CheckFunctionsCanTravel(*root_);
  root_->ResolveOperatorTypes();
  RowOrders orders(
      [&](const LogicalOperator&) { return KeepsOrder() ? RowOrder::kStored : RowOrder::kNone; });
  bool ordered = orders.Of(*root_) != RowOrder::kNone;
  order_readers_ = orders.Readers(*root_);
  Distribution where = Distribute(root_);
  root_->ResolveOperatorTypes();
  auto types = root_->types;
  // The fragment has the result's columns alone, in their order.
  int fragment = AddFragment(std::move(root_), where, types.size(), 0, ordered);
  auto result = ScanFragment(fragment, ExchangeKind::kGather, binder_.GenerateTableIndex(), types,
                             0, ordered);
  cut_.result_input = next_id_ - 1;
  cut_.result = SerializePlan(context_, *result);
  return std::move(cut_);
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
  // A table function of another table's rows may look at several of them.
  if (!slot->children.empty()) {
    CheckCanTravel(get);
    return GatherChildren(slot, duckdb::StringUtil::Lower(get.GetName()) + " of a table's rows");
  }
  return OpenScan(get) ? Distribution::Spread() : Distribution::Single();
}

bool PlanCutter::OpenScan(LogicalGet& get) {
  auto scan = DescribeScan(get, next_id_);
  if (!scan) {
    CheckCanTravel(get);
    return false;
  }
  ++next_id_;
  bool in_one_task = NumbersFiles(get);
  CheckHoldsNoSecrets(get, scan->files);
  LeaveFilesOpen(get, *scan);
  scans_[get.table_index] = *scan;
  return options_.is_divided(*scan) && !in_one_task;
}

Distribution PlanCutter::DistributeValues(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  bool is_replicated = where.kind == Distribution::Kind::kReplicated;
  if (is_replicated && !IndeterminatePart(*slot).empty()) return Distribution::Single();
  where.keys.clear();
  return where;
}

void PlanCutter::ReadInOneTask(Operator& slot) {
  for (auto& child : slot->children) ReadInOneTask(child);
  if (slot->type != LogicalOperatorType::LOGICAL_GET) return;
  if (ReadOtherwise(*slot, ExchangeKind::kGather)) return;
  OpenScan(slot->Cast<LogicalGet>());
}

Distribution PlanCutter::DistributeProjection(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  bool is_replicated = where.kind == Distribution::Kind::kReplicated;
  if (is_replicated && !IndeterminatePart(*slot).empty()) return Distribution::Single();
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

Distribution PlanCutter::Exchange(Operator& slot, const Distribution& from, ExchangeKind kind,
                                  Expressions keys) {
  if (auto where = ReadOtherwise(*slot, kind)) return *where;
  slot->ResolveOperatorTypes();
  auto columns = slot->GetColumnBindings();
  auto types = slot->types;
  double rows = static_cast<double>(slot->EstimateCardinality(context_));
  std::vector<HashKey> hash_keys;
  auto table_index = binder_.GenerateTableIndex();
  Expressions outputs = ColumnRefs(*slot);
  for (auto& key : keys) {
    hash_keys.push_back({{}, key->return_type});
    if (key->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COLUMN_REF) {
      auto& binding = key->Cast<duckdb::BoundColumnRefExpression>().binding;
      for (idx_t i = 0; i < columns.size(); ++i) {
        if (columns[i] == binding) hash_keys.back().bindings.emplace_back(table_index, i);
      }
    }
    outputs.push_back(std::move(key));
  }
  int num_keys = static_cast<int>(hash_keys.size());
  if (std::any_of(hash_keys.begin(), hash_keys.end(),
                  [](const HashKey& key) { return key.bindings.empty(); })) {
    hash_keys.clear();  // Hashed by an expression, which nobody above can name.
  }
  auto projection = duckdb::make_uniq<duckdb::LogicalProjection>(binder_.GenerateTableIndex(),
                                                                 std::move(outputs));
  projection->children.push_back(std::move(slot));
  projection->SetEstimatedCardinality(static_cast<idx_t>(rows));
  int fragment = AddFragment(std::move(projection), from, columns.size(), num_keys, keep_order_);
  if (from.is_spread()) KeepUniqueWhere(from, columns, outputs_.back());
  slot = ScanFragment(fragment, kind, table_index, types, rows, keep_order_);
  text_.Rename(columns, table_index);
  ReplaceColumns(columns, table_index, *slot);

  Distribution where = Distribution::Single();
  if (kind == ExchangeKind::kHash) where = Distribution::Spread(std::move(hash_keys));
  if (kind == ExchangeKind::kBroadcast) where = Distribution::Replicated();
  if (kind == ExchangeKind::kForward && from.is_spread()) where = Distribution::Spread();
  sources_[table_index].distribution = where;
  return where;
}

std::optional<Distribution> PlanCutter::ReadOtherwise(LogicalOperator& op, ExchangeKind kind) {
  if (op.type != LogicalOperatorType::LOGICAL_GET || kind == ExchangeKind::kHash)
    return std::nullopt;
  auto found = sources_.find(op.Cast<LogicalGet>().table_index);
  if (found == sources_.end()) return std::nullopt;
  Source& source = found->second;
  bool comes_to_all =
      source.input.kind == ExchangeKind::kGather || source.input.kind == ExchangeKind::kBroadcast;
  if (kind == ExchangeKind::kForward && comes_to_all) return std::nullopt;
  if (kind != ExchangeKind::kForward) {
    source.input.kind = kind;
    source.distribution =
        kind == ExchangeKind::kBroadcast ? Distribution::Replicated() : Distribution::Single();
  }
  return source.distribution;
}

int PlanCutter::AddFragment(Operator plan, const Distribution& from, idx_t num_columns,
                            int num_keys, bool ordered) {
  plan->ResolveOperatorTypes();
  Fragment fragment;
  fragment.single_task = !from.is_spread();
  fragment.num_columns = static_cast<int>(num_columns);
  fragment.num_keys = num_keys;
  fragment.ordered = ordered;
  text_.Append(*plan, [&](const LogicalGet& get) { return ScanText(get); }, fragment.operators);
  fragment.estimated_rows = static_cast<double>(plan->EstimateCardinality(context_));
  fragment.estimated_row_bytes = RowBytes(plan->types);
  std::function<void(LogicalOperator&)> collect = [&](LogicalOperator& op) {
    for (auto& child : op.children) collect(*child);
    auto gathered = gathered_.find(&op);
    if (gathered != gathered_.end()) {
      fragment.gathered.push_back(gathered->second);
      gathered_.erase(gathered);
    }
    if (op.type != LogicalOperatorType::LOGICAL_GET) return;
    auto& get = op.Cast<LogicalGet>();
    auto source = sources_.find(get.table_index);
    if (source != sources_.end()) fragment.inputs.push_back(source->second.input);
    auto scan = scans_.find(get.table_index);
    if (scan != scans_.end()) fragment.scans.push_back(scan->second);
  };
  collect(*plan);
  fragment.bytes = SerializePlan(context_, *plan);
  cut_.fragments.push_back(std::move(fragment));
  NoteDeterminacy(*plan);
  return static_cast<int>(cut_.fragments.size()) - 1;
}

void PlanCutter::NoteDeterminacy(LogicalOperator& plan) {
  auto facts_of = [&](const LogicalOperator& op) -> std::optional<OutputFacts> {
    if (op.type != LogicalOperatorType::LOGICAL_GET) return std::nullopt;
    auto source = sources_.find(op.Cast<LogicalGet>().table_index);
    if (source == sources_.end()) return std::nullopt;
    OutputFacts facts = outputs_[static_cast<size_t>(source->second.input.fragment)];
    if (!source->second.ordered) facts.order.reset();
    return facts;
  };
  int fragment = static_cast<int>(outputs_.size());
  Determinacy found = FindDeterminacy(plan, fragment, facts_of, KeepsOrder());
  outputs_.push_back(std::move(found.output));
  for (int other : found.indeterminate) {
    cut_.fragments[static_cast<size_t>(other)].determinate = false;
  }
}

PlanCutter::Operator PlanCutter::ScanFragment(int fragment, ExchangeKind kind, idx_t table_index,
                                              const duckdb::vector<duckdb::LogicalType>& types,
                                              double rows, bool ordered) {
  int id = next_id_++;
  duckdb::vector<std::string> names;
  for (idx_t i = 0; i < types.size(); ++i) names.push_back("c" + std::to_string(i));
  auto estimate = static_cast<idx_t>(rows);
  auto get = duckdb::make_uniq<LogicalGet>(
      table_index, ExchangeScanFunction(),
      MakeExchangeScanBindData(id, names, types, ordered, estimate), types, names);
  for (idx_t i = 0; i < types.size(); ++i) get->AddColumnId(i);
  get->SetEstimatedCardinality(estimate);
  get->ResolveOperatorTypes();
  sources_[table_index] = {{id, fragment, kind}, Distribution::Single(), rows, ordered};
  return get;
}

PlanCutter::Operator PlanCutter::ScanAgain(LogicalOperator& scan, idx_t table_index) {
  const auto& get = scan.Cast<LogicalGet>();
  Source source = sources_.at(get.table_index);
  auto again = ScanFragment(source.input.fragment, source.input.kind, table_index,
                            get.returned_types, source.rows, source.ordered);
  sources_[table_index].distribution = source.distribution;
  text_.Rename(scan.GetColumnBindings(), table_index);
  return again;
}

void PlanCutter::ReplaceColumns(const duckdb::vector<ColumnBinding>& from, idx_t table_index,
                                const LogicalOperator& stop) {
  if (!root_) return;
  duckdb::ColumnBindingReplacer replacer;
  for (idx_t i = 0; i < from.size(); ++i) {
    replacer.replacement_bindings.emplace_back(from[i], ColumnBinding(table_index, i));
  }
  replacer.stop_operator = const_cast<LogicalOperator&>(stop);
  replacer.VisitOperator(*root_);
}

std::string PlanCutter::ScanText(const LogicalGet& get) const {
  auto source = sources_.find(get.table_index);
  if (source != sources_.end()) {
    const FragmentInput& input = source->second.input;
    return "stage " + std::to_string(input.fragment) + ", " + ExchangeKindName(input.kind);
  }
  auto scan = scans_.find(get.table_index);
  if (scan == scans_.end()) return "scan " + duckdb::StringUtil::Lower(get.GetName());
  const auto& files = scan->second.files;
  if (files.empty()) return scan->second.function + " no files";
  std::string first = files[0].substr(files[0].find_last_of('/') + 1);
  return scan->second.function + " " + first +
         (files.size() > 1 ? " … (" + std::to_string(files.size()) + " files)" : "");
}

double PlanCutter::EstimateBytes(LogicalOperator& op) {
  op.ResolveOperatorTypes();
  return static_cast<double>(op.EstimateCardinality(context_)) * RowBytes(op.types);
}

bool PlanCutter::IsSmall(LogicalOperator& op) {
  return EstimateBytes(op) <= options_.broadcast_bytes;
}

}  // namespace smallpond
