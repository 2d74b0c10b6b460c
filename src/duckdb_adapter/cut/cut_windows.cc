// Where the rows of windows are: PlanCutter's part about OVER.

#include "duckdb_adapter/analysis/order_dependence.h"
#include "duckdb_adapter/cut/plan_cutter.h"
#include "duckdb_adapter/cut/split_windows.h"
#include "duckdb_adapter/fragment/new_operators.h"

namespace smallpond {
namespace {

using duckdb::BoundWindowExpression;
using duckdb::idx_t;
using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;
using Orders = duckdb::vector<duckdb::BoundOrderByNode>;

const Expressions& PartitionsOf(const duckdb::Expression& window) {
  return window.Cast<BoundWindowExpression>().partitions;
}

// What all windows of an operator are partitioned by, each as the binder made it, with its
// collation: rows with equal values of these are all that a window of any of them sees. One value
// for all rows is no such key, nor is one that may differ where rows leave and where they arrive.
Expressions CommonKeys(const duckdb::LogicalOperator& op) {
  Expressions keys;
  for (const auto& key : PartitionsOf(*op.expressions[0])) {
    if (key->IsVolatile() || key->IsFoldable()) continue;
    auto has_key = [&](const auto& window) {
      const auto& partitions = PartitionsOf(*window);
      return std::any_of(partitions.begin(), partitions.end(),
                         [&](const auto& partition) { return partition->Equals(*key); });
    };
    if (std::all_of(op.expressions.begin(), op.expressions.end(), has_key)) {
      keys.push_back(key->Copy());
    }
  }
  return keys;
}

// Whether each window has one value for all rows, which an aggregate computes as well.
bool HasTotalsOnly(const duckdb::LogicalOperator& op) {
  return std::all_of(op.expressions.begin(), op.expressions.end(), [](const auto& expression) {
    const auto& window = expression->template Cast<BoundWindowExpression>();
    return IsTotal(window) && OrderDependenceOf(*window.aggregate) != OrderDependence::kValue;
  });
}

// Whether rows that are equal by these are so by their sort keys, as a month and 30 days are not.
bool HaveEqualKeys(const Orders& orders) {
  return std::none_of(orders.begin(), orders.end(), [](const auto& order) {
    return duckdb::TypeVisitor::Contains(order.expression->return_type,
                                         duckdb::LogicalTypeId::INTERVAL);
  });
}

// Whether rows in the order of `longer` are in that of `orders`.
bool BeginsWith(const Orders& longer, const Orders& orders) {
  for (idx_t i = 0; i < orders.size(); ++i) {
    if (i >= longer.size() || !longer[i].Equals(orders[i])) return false;
  }
  return true;
}

// By what the rows are put into ranges where all windows of an operator can do with these: what
// they are all sorted by first. Null where there is no such thing.
const Orders* FindCommonOrder(const duckdb::LogicalOperator& op) {
  const Orders* shortest = nullptr;
  for (const auto& expression : op.expressions) {
    const auto& window = expression->Cast<BoundWindowExpression>();
    if (!CanSplit(window)) return nullptr;
    if (window.orders.empty()) continue;
    if (!shortest || window.orders.size() < shortest->size()) shortest = &window.orders;
  }
  if (!shortest || !HaveEqualKeys(*shortest) || (*shortest)[0].expression->IsFoldable()) {
    return nullptr;
  }
  bool is_common = std::all_of(op.expressions.begin(), op.expressions.end(), [&](const auto& one) {
    const auto& orders = one->template Cast<BoundWindowExpression>().orders;
    return orders.empty() || BeginsWith(orders, *shortest);
  });
  return is_common ? shortest : nullptr;
}

}  // namespace

Distribution PlanCutter::DistributeWindow(Operator& slot) {
  Distribution where = Distribute(slot->children[0]);
  if (!where.is_spread()) return Distribution::Single();
  if (numberings_.count(slot.get())) return where;  // Each task counts its own.
  Expressions keys = CommonKeys(*slot);
  if (keys.empty()) return DistributeOverAllRows(slot, where);
  std::vector<duckdb::Expression*> partitions;
  for (auto& key : keys) partitions.push_back(key.get());
  if (!FindKeys(where.keys, partitions).empty()) return where;
  return Exchange(slot->children[0], where, ExchangeKind::kHash, std::move(keys));
}

Distribution PlanCutter::DistributeOverAllRows(Operator& slot, const Distribution& from) {
  bool is_small = IsSmall(*slot->children[0]);
  if (!is_small && HasTotalsOnly(*slot)) return JoinTotals(slot, from);
  const Orders* orders = is_small ? nullptr : FindCommonOrder(*slot);
  if (orders) return WindowByRanges(slot, from, *orders);
  NoteGathered(*slot, "windows without a common PARTITION BY");
  return Exchange(slot->children[0], from, ExchangeKind::kGather);
}

// Computes what is the same for all rows once:
//
//     sum(x) OVER ()          CROSS PRODUCT
//     └── rows           →    ├── rows
//                             └── stage: sum(x), one row for every task
Distribution PlanCutter::JoinTotals(Operator& slot, Distribution from) {
  auto& window = slot->Cast<duckdb::LogicalWindow>();
  from = ComputeOnce(slot->children[0], from);
  slot->ResolveOperatorTypes();
  auto types = slot->types;
  auto columns = slot->GetColumnBindings();
  Expressions aggregates;
  for (const auto& expression : window.expressions) {
    aggregates.push_back(AggregateOf(expression->Cast<BoundWindowExpression>()));
  }
  Operator row = CutAggregate(*slot->children[0], std::move(aggregates), ExchangeKind::kBroadcast);

  Operator rows = std::move(slot->children[0]);
  auto joined = duckdb::make_uniq<duckdb::LogicalCrossProduct>(std::move(rows), std::move(row));
  KeepEstimate(*joined->children[0], *joined);
  joined->ResolveOperatorTypes();
  auto outputs = ColumnRefs(*joined);
  for (idx_t i = 0; i < outputs.size(); ++i) {
    outputs[i] =
        duckdb::BoundCastExpression::AddCastToType(context_, std::move(outputs[i]), types[i]);
  }
  const Operator windows = std::move(slot);
  slot = Project(binder_, std::move(joined), std::move(outputs));
  auto& projection = slot->Cast<duckdb::LogicalProjection>();
  CallAsBefore(*windows, columns, projection.table_index);
  ReplaceColumns(columns, projection.table_index, *slot);
  return Distribution::Spread(
      ProjectKeys(from.keys, projection.table_index, projection.expressions));
}

// Sorts by ranges, each task some of them, and adds what is in those before:
//
//     row_number() OVER (ORDER BY k)    sample   as of a sort
//     └── rows                      →   ranges   rows by range, with its number
//                                       parts    count(*) by range                    n tasks
//                                       facts    count(*) of the ranges before each   one task
//                                       result   row_number() + that of the task's    n tasks
//                                                first range
Distribution PlanCutter::WindowByRanges(Operator& slot, Distribution from, const Orders& orders) {
  from = ComputeOnce(slot->children[0], from);
  int sample = CutSample(*slot->children[0], orders);
  auto number = MoveByRange(slot->children[0], from, orders, sample, Ties::kTogether);
  auto range = ColumnRef(duckdb::LogicalType::USMALLINT, number);
  SplitWindows split(context_, binder_);
  for (const auto& window : slot->expressions) split.Add(window->Cast<BoundWindowExpression>());
  auto first_range = split.AddFirstRange(range->Copy(), orders);
  text_.Set(split.task_index, split.of_task.size() - 1, "first range");
  Operator facts = CutFacts(*slot->children[0], std::move(range), split);
  auto range_type = facts->types[0];

  const Operator windows = std::move(slot);
  Operator rows = std::move(windows->children[0]);
  auto columns = rows->GetColumnBindings();
  auto outputs = ColumnRefs(*rows);
  columns.pop_back();
  outputs.pop_back();
  auto of_task = duckdb::make_uniq<duckdb::LogicalWindow>(split.task_index);
  of_task->expressions = std::move(split.of_task);
  KeepEstimate(*rows, *of_task);
  of_task->children.push_back(std::move(rows));
  of_task->ResolveOperatorTypes();
  auto joined = duckdb::make_uniq<duckdb::LogicalComparisonJoin>(duckdb::JoinType::INNER);
  duckdb::JoinCondition condition;
  condition.left = std::move(first_range);
  condition.right = ColumnRef(range_type, duckdb::ColumnBinding(split.facts_index, 0));
  condition.comparison = duckdb::ExpressionType::COMPARE_EQUAL;
  joined->conditions.push_back(std::move(condition));
  KeepEstimate(*of_task, *joined);
  joined->children.push_back(std::move(of_task));
  joined->children.push_back(std::move(facts));
  joined->ResolveOperatorTypes();
  auto window_index = windows->Cast<duckdb::LogicalWindow>().window_index;
  for (idx_t i = 0; i < split.results.size(); ++i) {
    columns.emplace_back(window_index, i);
    outputs.push_back(std::move(split.results[i]));
  }
  slot = Project(binder_, std::move(joined), std::move(outputs));
  auto table_index = slot->Cast<duckdb::LogicalProjection>().table_index;
  CallAsBefore(*windows, columns, table_index);
  ReplaceColumns(columns, table_index, *slot);
  return Distribution::Spread();
}

// Cuts what is in each of the ranges of `rows`, and the facts that one task makes of that. Returns
// a scan of these.
PlanCutter::Operator PlanCutter::CutFacts(duckdb::LogicalOperator& rows,
                                          duckdb::unique_ptr<duckdb::Expression> range,
                                          SplitWindows& split) {
  constexpr idx_t kRanges = 16'384;  // About as many as a sample has keys.
  PlanCutter other(context_, binder_, options_, state_);
  Operator read = RowsAgain(rows, other);
  auto table_index = read->Cast<duckdb::LogicalGet>().table_index;
  Expressions groups;
  groups.push_back(std::move(range));
  auto aggregate = NewAggregate(binder_, std::move(groups), std::move(split.parts));
  idx_t ranges = std::min(kRanges, read->EstimateCardinality(context_));
  aggregate->SetEstimatedCardinality(ranges);
  aggregate->children.push_back(std::move(read));
  aggregate->ResolveOperatorTypes();
  std::string text = text_.ListText("over the ranges before:", aggregate->expressions);
  auto columns = ColumnRefs(*aggregate);
  Operator parts = Project(binder_, std::move(aggregate), std::move(columns));
  ReadNeededColumns(*parts);
  CallAsRead(parts->children[0]->children[0]->Cast<duckdb::LogicalGet>(), other.text_);
  // Each range is in one task.
  const auto& group = *parts->children[0]->Cast<duckdb::LogicalAggregate>().groups[0];
  other.sources_[table_index].distribution = Distribution::Spread(
      {{{group.Cast<duckdb::BoundColumnRefExpression>().binding}, group.return_type}});
  auto types = parts->types;
  int fragment = other.CutWhole(std::move(parts));

  auto over = duckdb::make_uniq<duckdb::LogicalWindow>(binder_.GenerateTableIndex());
  over->expressions = std::move(split.facts);
  double rows_of_ranges = static_cast<double>(ranges);
  over->children.push_back(ScanFragment(fragment, ExchangeKind::kGather, split.parts_index, types,
                                        rows_of_ranges, false));
  KeepEstimate(*over->children[0], *over);
  over->ResolveOperatorTypes();
  Expressions outputs;
  outputs.push_back(ColumnRef(types[0], duckdb::ColumnBinding(split.parts_index, 0)));
  for (idx_t i = 0; i < over->expressions.size(); ++i) {
    outputs.push_back(
        ColumnRef(over->expressions[i]->return_type, duckdb::ColumnBinding(over->window_index, i)));
  }
  Operator facts = Project(binder_, std::move(over), std::move(outputs));
  types = facts->types;
  fragment = AddFragment(std::move(facts), Distribution::Single(), types.size(), 0, false);
  cut_.fragments.back().operators[0].text = std::move(text);
  auto scan = ScanFragment(fragment, ExchangeKind::kBroadcast, split.facts_index, types,
                           rows_of_ranges, false);
  text_.Set(split.facts_index, 0, "range");
  sources_[split.facts_index].distribution = Distribution::Replicated();
  return scan;
}

// Makes those columns that a scan still reads be called in `text` as they are here.
void PlanCutter::CallAsRead(const duckdb::LogicalGet& get, OperatorText& text) const {
  const auto& ids = get.GetColumnIds();
  for (idx_t i = 0; i < ids.size(); ++i) {
    if (ids[i].IsVirtualColumn()) continue;
    idx_t column = ids[i].GetPrimaryIndex();
    duckdb::ColumnBinding place(get.table_index, column);
    text.Set(get.table_index, i,
             text_.ExpressionText(*ColumnRef(get.returned_types[column], place)));
  }
}

// Makes the columns of a projection that stands for windows be called as theirs.
void PlanCutter::CallAsBefore(const duckdb::LogicalOperator& windows,
                              const duckdb::vector<duckdb::ColumnBinding>& columns,
                              idx_t table_index) {
  text_.Rename(columns, table_index);
  idx_t first = columns.size() - windows.expressions.size();
  for (idx_t i = 0; i < windows.expressions.size(); ++i) {
    text_.Set(table_index, first + i, text_.ExpressionText(*windows.expressions[i]));
  }
}

}  // namespace smallpond
