#include "duckdb_adapter/cut/plan_cutter.h"

#include "duckdb/main/settings.hpp"
#include "duckdb_adapter/analysis/nondeterministic_part.h"
#include "duckdb_adapter/fragment/divided_scan.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "duckdb_adapter/fragment/plan_bytes.h"
#include "smallpond/error.h"

namespace smallpond {

using duckdb::idx_t;
using duckdb::LogicalGet;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;

namespace {

std::vector<std::string> ParametersOf(const LogicalGet& get) {
  std::vector<std::string> texts;
  for (const auto& value : get.parameters) texts.push_back(value.ToString());
  return texts;
}

// Whether a table function makes what it makes of another table's rows of each by itself. One that
// is not known may look at several.
bool GoesRowByRow(const LogicalGet& get) {
  static const std::set<std::string> names = {"range", "generate_series", "unnest"};
  return names.count(get.function.name) > 0;
}

// How many of the rows below can count, where the limit and the offset are constants.
std::optional<int64_t> FirstRows(const duckdb::LogicalLimit& limit) {
  using duckdb::LimitNodeType;
  bool has_offset = limit.offset_val.Type() == LimitNodeType::CONSTANT_VALUE;
  bool is_constant = limit.limit_val.Type() == LimitNodeType::CONSTANT_VALUE &&
                     (has_offset || limit.offset_val.Type() == LimitNodeType::UNSET);
  if (!is_constant) return std::nullopt;
  constexpr idx_t kMaxRows = INT64_MAX;
  idx_t offset = has_offset ? limit.offset_val.GetConstantValue() : 0;
  if (limit.limit_val.GetConstantValue() > kMaxRows - offset) return std::nullopt;
  return static_cast<int64_t>(limit.limit_val.GetConstantValue() + offset);
}

// Leaves so many of the rows in `slot`.
const LogicalOperator& PutLimit(duckdb::unique_ptr<LogicalOperator>& slot, int64_t first) {
  auto limit = duckdb::make_uniq<duckdb::LogicalLimit>(duckdb::BoundLimitNode::ConstantValue(first),
                                                       duckdb::BoundLimitNode());
  limit->children.push_back(std::move(slot));
  slot = std::move(limit);
  return *slot;
}

}  // namespace

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
    case LogicalOperatorType::LOGICAL_WINDOW:
      return DistributeWindow(slot);
    case LogicalOperatorType::LOGICAL_TOP_N:
      return DistributeTopN(slot);
    case LogicalOperatorType::LOGICAL_LIMIT:
      return DistributeLimit(slot);
    case LogicalOperatorType::LOGICAL_SAMPLE:
      return DistributeSample(slot);
    case LogicalOperatorType::LOGICAL_UNION:
      return DistributeUnion(slot);
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT:
      return DistributeSetOperation(slot);
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
      return DistributeJoin(slot);
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
      return DistributeCrossProduct(slot);
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
      return DistributeAsofJoin(slot);
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
      return DistributeDelimJoin(slot);
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
      return DistributeCommonTable(slot);
    case LogicalOperatorType::LOGICAL_ORDER_BY:
      return DistributeOrder(slot);
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
  if (scans_.count(get.table_index)) return Distribution::Spread();  // Opened already.
  if (auto where = ReadPlanned(get)) return *where;
  if (!slot->children.empty()) {
    CheckCanTravel(get);
    if (GoesRowByRow(get)) return DistributeValues(slot);
    return GatherChildren(slot, duckdb::StringUtil::Lower(get.GetName()) + " of a table's rows");
  }
  auto scan = DescribeScan(get, state_.next_id);
  if (!scan && IsOnlyHere(get)) return GiveScan(slot);
  if (!scan) {
    CheckHoldsNoSecrets(get, ParametersOf(get));
    return Distribution::Single();
  }
  return OpenScan(get, *scan) ? Distribution::Spread() : Distribution::Single();
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
  } else {
    CheckHoldsNoSecrets(get, ParametersOf(get));
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
  if (is_plain) DropDoubles(slot->children[0], Copies(distinct.distinct_targets));
  auto keys = Copies(distinct.distinct_targets);
  if (std::any_of(keys.begin(), keys.end(), [](const auto& key) { return key->IsVolatile(); })) {
    NoteGathered(*slot, "DISTINCT ON a volatile expression");
    return Exchange(slot->children[0], where, ExchangeKind::kGather);
  }
  return Exchange(slot->children[0], where, ExchangeKind::kHash, std::move(keys));
}

void PlanCutter::DropDoubles(Operator& slot, Expressions targets) {
  auto distinct = duckdb::make_uniq<duckdb::LogicalDistinct>(std::move(targets),
                                                             duckdb::DistinctType::DISTINCT);
  partial_.insert(distinct.get());
  distinct->children.push_back(std::move(slot));
  slot = std::move(distinct);
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
  auto first = FirstRows(slot->Cast<duckdb::LogicalLimit>());
  if (first && keep_order_) LimitInputs(slot->children[0], *first);
  Distribution where = Distribute(slot->children[0]);
  if (!where.is_spread()) return Distribution::Single();
  if (first) partial_.insert(&PutLimit(slot->children[0], *first));
  Exchange(slot->children[0], where, ExchangeKind::kGather);
  return Distribution::Single();
}

// One task reads the inputs of a UNION ALL one after the other; it needs no more of each than this.
void PlanCutter::LimitInputs(Operator& rows, int64_t first) {
  if (rows->type == LogicalOperatorType::LOGICAL_PROJECTION) {
    LimitInputs(rows->children[0], first);
  } else if (unions_in_order_.contains(rows.get())) {
    for (auto& input : rows->children) order_readers_.insert(&PutLimit(input, first));
  }
}

// A share of the rows is taken of what each task has, unless a seed says which: that goes by the
// order of the rows and by how DuckDB's readers batch them.
Distribution PlanCutter::DistributeSample(Operator& slot) {
  const auto& options = *slot->Cast<duckdb::LogicalSample>().sample_options;
  if (options.repeatable || options.seed.IsValid()) {
    ReadInOneTask(slot);
    NoteGathered(*slot, "a sample that can be repeated");
    return Distribution::Single();
  }
  bool is_per_row = options.method == duckdb::SampleMethod::BERNOULLI_SAMPLE ||
                    options.method == duckdb::SampleMethod::SYSTEM_SAMPLE;
  if (!options.is_percentage || !is_per_row) return GatherChildren(slot, "a sample of a size");
  Distribution where = Distribute(slot->children[0]);
  return where.is_spread() ? where : Distribution::Single();
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
