// Fragments, and what moves between them: PlanCutter's part that makes the cuts.

#include "duckdb/optimizer/column_binding_replacer.hpp"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/cut/required_properties.h"
#include "duckdb_adapter/exchange/exchange_scan.h"
#include "duckdb_adapter/exchange/exchange_scan_data.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "duckdb_adapter/fragment/plan_bytes.h"
#include "duckdb_adapter/row_order.h"

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

}  // namespace

double PlanCutter::RowBytes(const duckdb::vector<duckdb::LogicalType>& types) {
  double bytes = 1;
  for (const auto& type : types) bytes += TypeBytes(type);
  return bytes;
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
  if (from.is_spread()) KeepUniqueWhere(from, columns);
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

Distribution PlanCutter::ComputeOnce(Operator& slot, const Distribution& from) {
  return IsScan(*slot) ? from : Exchange(slot, from, ExchangeKind::kForward);
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
  fragment.output.num_columns = static_cast<int>(num_columns);
  fragment.output.num_keys = num_keys;
  fragment.output.ordered = ordered;
  text_.Append(*plan, [&](const LogicalGet& get) { return ScanText(get); }, fragment.operators);
  fragment.estimated_rows = static_cast<double>(plan->EstimateCardinality(context_));
  fragment.estimated_row_bytes = RowBytes(plan->types);
  auto exclusive = FindExclusiveScans(*plan, partial_);
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
    if (source != sources_.end()) {
      fragment.inputs.push_back(source->second.input);
      bool relies = source->second.exclusive || exclusive.contains(get.table_index);
      fragment.inputs.back().exclusive = relies && SharesPartitions(source->second.input.kind);
    }
    auto scan = scans_.find(get.table_index);
    if (scan != scans_.end()) fragment.scans.push_back(scan->second);
  };
  collect(*plan);
  fragment.bytes = SerializePlan(context_, *plan);
  cut_.fragments.push_back(std::move(fragment));
  NoteDeterminism(*plan);
  return static_cast<int>(cut_.fragments.size()) - 1;
}

void PlanCutter::KeepUniqueWhere(const Distribution& where,
                                 const duckdb::vector<ColumnBinding>& columns) {
  auto& unique = state_.outputs.back().unique;
  auto is_unique = [&](const HashKey& key) {
    return std::any_of(unique.begin(), unique.end(),
                       [&](size_t i) { return i < columns.size() && key.Has(columns[i]); });
  };
  bool all = !where.keys.empty() && std::all_of(where.keys.begin(), where.keys.end(), is_unique);
  if (!all) unique.clear();
}

void PlanCutter::NoteDeterminism(LogicalOperator& plan) {
  auto facts_of = [&](const LogicalOperator& op) -> std::optional<OutputFacts> {
    if (op.type != LogicalOperatorType::LOGICAL_GET) return std::nullopt;
    auto source = sources_.find(op.Cast<LogicalGet>().table_index);
    if (source == sources_.end()) return std::nullopt;
    OutputFacts facts = state_.outputs[static_cast<size_t>(source->second.input.fragment)];
    if (!source->second.ordered) facts.order.reset();
    return facts;
  };
  int fragment = static_cast<int>(state_.outputs.size());
  Determinism found = FindDeterminism(plan, fragment, facts_of, KeepsOrder());
  state_.outputs.push_back(std::move(found.output));
  for (int other : found.nondeterministic) {
    cut_.fragments[static_cast<size_t>(other)].deterministic = false;
  }
}

PlanCutter::Operator PlanCutter::ScanFragment(int fragment, ExchangeKind kind, idx_t table_index,
                                              const duckdb::vector<duckdb::LogicalType>& types,
                                              double rows, bool ordered) {
  int id = state_.next_id++;
  duckdb::vector<std::string> names;
  for (idx_t i = 0; i < types.size(); ++i) names.push_back("c" + std::to_string(i));
  auto estimate = static_cast<idx_t>(rows);
  auto get = duckdb::make_uniq<LogicalGet>(
      table_index, ExchangeScanFunction(),
      MakeExchangeScanBindData(id, names, types, ordered, estimate), types, names);
  for (idx_t i = 0; i < types.size(); ++i) get->AddColumnId(i);
  get->virtual_columns = ExchangeVirtualColumns(context_, get->bind_data.get());
  get->SetEstimatedCardinality(estimate);
  get->ResolveOperatorTypes();
  sources_[table_index] = {{id, fragment, kind}, Distribution::Single(), rows, ordered};
  return get;
}

PlanCutter::Operator PlanCutter::ScanRow(int fragment, ExchangeKind kind,
                                         const duckdb::vector<duckdb::LogicalType>& types) {
  auto table_index = binder_.GenerateTableIndex();
  auto scan = ScanFragment(fragment, kind, table_index, types, 1, false);
  scan->Cast<LogicalGet>().bind_data->Cast<ExchangeScanData>().one_row = true;
  if (kind == ExchangeKind::kBroadcast) {
    sources_[table_index].distribution = Distribution::Replicated();
  }
  return scan;
}

PlanCutter::Operator PlanCutter::ScanAgain(LogicalOperator& scan, idx_t table_index) {
  const auto& get = scan.Cast<LogicalGet>();
  Source source = sources_.at(get.table_index);
  auto again = ScanFragment(source.input.fragment, source.input.kind, table_index,
                            get.returned_types, source.rows, source.ordered);
  sources_[table_index].distribution = source.distribution;
  sources_[table_index].exclusive = source.exclusive;
  auto& read = again->Cast<LogicalGet>();
  auto column_ids = get.GetColumnIds();
  read.SetColumnIds(std::move(column_ids));
  read.projection_ids = get.projection_ids;
  read.ResolveOperatorTypes();
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

}  // namespace smallpond
