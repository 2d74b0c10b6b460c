#include "duckdb_adapter/cut/split_windows.h"

#include <set>

#include "duckdb_adapter/analysis/order_dependence.h"
#include "duckdb_adapter/cut/split_aggregates.h"
#include "duckdb_adapter/fragment/new_operators.h"
#include "duckdb_adapter/fragment/range_numbers.h"

namespace smallpond {
namespace {

using duckdb::BoundAggregateExpression;
using duckdb::BoundOrderByNode;
using duckdb::BoundWindowExpression;
using duckdb::ColumnBinding;
using duckdb::Expression;
using duckdb::ExpressionType;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::WindowBoundary;
using ExpressionPtr = duckdb::unique_ptr<Expression>;
using Expressions = duckdb::vector<ExpressionPtr>;
using Orders = duckdb::vector<BoundOrderByNode>;

// Whether no clause changes what the window is of.
bool IsPlain(const BoundWindowExpression& window) {
  return window.partitions.empty() && window.arg_orders.empty() && !window.ignore_nulls &&
         window.exclude_clause == duckdb::WindowExcludeMode::NO_OTHER && !window.IsVolatile();
}

// Whether each row's frame ends with the last row that is equal by the ORDER BY.
bool EndsWithPeers(const BoundWindowExpression& window) {
  return window.end == WindowBoundary::CURRENT_ROW_RANGE ||
         window.end == WindowBoundary::CURRENT_ROW_GROUPS;
}

bool HasAllRows(const BoundWindowExpression& window) {
  return window.start == WindowBoundary::UNBOUNDED_PRECEDING &&
         (window.end == WindowBoundary::UNBOUNDED_FOLLOWING ||
          (window.orders.empty() && EndsWithPeers(window)));
}

// Whether each row's frame is all rows before it, with or without those that are equal.
bool IsRunning(const BoundWindowExpression& window) {
  return !window.orders.empty() && window.start == WindowBoundary::UNBOUNDED_PRECEDING &&
         (EndsWithPeers(window) || window.end == WindowBoundary::CURRENT_ROW_ROWS);
}

const std::string& NameOf(const BoundWindowExpression& window) { return window.aggregate->name; }

bool IsExtreme(const BoundWindowExpression& window) {
  return NameOf(window) == "min" || NameOf(window) == "max";
}

// Whether sums of some rows may be too large for their type where the sum of all is not.
bool MayOverflow(const LogicalType& type) {
  auto physical = type.InternalType();
  return physical == duckdb::PhysicalType::INT128 || physical == duckdb::PhysicalType::UINT128;
}

// Whether the aggregate of some rows and that of others tell that of both, to the last bit.
bool Adds(const BoundWindowExpression& window) {
  static const std::set<std::string> names = {"count",           "count_star", "sum",
                                              "sum_no_overflow", "min",        "max"};
  if (window.distinct || names.count(NameOf(window)) == 0 || window.children.size() > 1)
    return false;
  if (window.children.empty()) return true;
  const LogicalType& type = window.children[0]->return_type;
  if (IsExtreme(window)) return !HasEqualForms(type);
  if (NameOf(window) == "count") return true;
  return window.return_type.IsNumeric() && !MayOverflow(type) &&
         window.return_type.id() != duckdb::LogicalTypeId::BIGNUM;
}

bool IsAboutTies(const BoundWindowExpression& window) {
  switch (window.GetExpressionType()) {
    case ExpressionType::WINDOW_ROW_NUMBER:
    case ExpressionType::WINDOW_RANK:
    case ExpressionType::WINDOW_RANK_DENSE:
    case ExpressionType::WINDOW_PERCENT_RANK:
    case ExpressionType::WINDOW_CUME_DIST:
      return true;
    default:
      return false;
  }
}

// --- expressions

ExpressionPtr Number(int64_t value) { return Constant(duckdb::Value::BIGINT(value)); }

template <class... Arguments>
Expressions ListOf(Arguments... arguments) {
  Expressions list;
  (list.push_back(std::move(arguments)), ...);
  return list;
}

ExpressionPtr CaseOf(ExpressionPtr condition, ExpressionPtr then, ExpressionPtr otherwise) {
  return duckdb::make_uniq<duckdb::BoundCaseExpression>(std::move(condition), std::move(then),
                                                        std::move(otherwise));
}

// The first that is no NULL.
ExpressionPtr FirstOf(Expressions values) {
  auto first = duckdb::make_uniq<duckdb::BoundOperatorExpression>(ExpressionType::OPERATOR_COALESCE,
                                                                  values[0]->return_type);
  first->children = std::move(values);
  return first;
}

void CopyOrders(const Orders& from, Orders& to) {
  for (const auto& order : from) to.push_back(order.Copy());
}

// A window of all rows, or of those before each.
duckdb::unique_ptr<BoundWindowExpression> WindowOf(const BoundAggregateExpression& aggregate,
                                                   const Orders& orders, WindowBoundary end) {
  auto window = duckdb::make_uniq<BoundWindowExpression>(
      ExpressionType::WINDOW_AGGREGATE, aggregate.return_type,
      duckdb::make_uniq<duckdb::AggregateFunction>(aggregate.function),
      aggregate.bind_info ? aggregate.bind_info->Copy() : nullptr);
  window->children = Copies(aggregate.children);
  if (aggregate.filter) window->filter_expr = aggregate.filter->Copy();
  CopyOrders(orders, window->orders);
  window->start = WindowBoundary::UNBOUNDED_PRECEDING;
  window->end = end;
  if (end == WindowBoundary::EXPR_PRECEDING_ROWS) window->end_expr = Number(1);
  return window;
}

ExpressionPtr CountRows(duckdb::ClientContext& context) {
  return BindAggregate(context, "count_star", {});
}

// --- columns

// Adds an expression unless there is an equal one, and returns its position.
idx_t Put(Expressions& list, ExpressionPtr expression) {
  for (idx_t i = 0; i < list.size(); ++i) {
    if (list[i]->Equals(*expression)) return i;
  }
  list.push_back(std::move(expression));
  return list.size() - 1;
}

// Builds the result of one window.
class ResultOf {
 public:
  ResultOf(SplitWindows& split, const BoundWindowExpression& window)
      : split_(split), window_(window) {}

  ExpressionPtr Build() {
    switch (window_.GetExpressionType()) {
      case ExpressionType::WINDOW_RANK_DENSE:
        return Add(OfTask(window_.Copy()), Count(DistinctKeys(), Rows::kBefore));
      case ExpressionType::WINDOW_ROW_NUMBER:
      case ExpressionType::WINDOW_RANK:
        return Add(OfTask(window_.Copy()), RowsBefore());
      case ExpressionType::WINDOW_PERCENT_RANK:
        return PercentRank();
      case ExpressionType::WINDOW_CUME_DIST:
        return Divide(Add(PeersEnd(), RowsBefore()), AllRows());
      case ExpressionType::WINDOW_NTILE:
        return Tile();
      default:
        return Aggregate();
    }
  }

 private:
  enum class Rows { kBefore, kAll };

  ExpressionPtr Call(const char* name, ExpressionPtr one, ExpressionPtr other) {
    return CallSystemFunction(split_.context, name, ListOf(std::move(one), std::move(other)));
  }
  ExpressionPtr Add(ExpressionPtr one, ExpressionPtr other) {
    return Call("+", std::move(one), std::move(other));
  }
  ExpressionPtr Cast(ExpressionPtr value, const LogicalType& type) {
    return duckdb::BoundCastExpression::AddCastToType(split_.context, std::move(value), type);
  }
  ExpressionPtr Divide(ExpressionPtr one, ExpressionPtr other) {
    return Call("/", Cast(std::move(one), LogicalType::DOUBLE),
                Cast(std::move(other), LogicalType::DOUBLE));
  }

  // A column of a window over a task's rows.
  ExpressionPtr OfTask(ExpressionPtr window) {
    auto type = window->return_type;
    idx_t place = Put(split_.of_task, std::move(window));
    return ColumnRef(type, ColumnBinding(split_.task_index, place));
  }

  // A column of what the ranges before, or all ranges, have of an aggregate. NULL before the first.
  ExpressionPtr OfRanges(ExpressionPtr aggregate, Rows rows) {
    auto type = aggregate->return_type;
    idx_t part = Put(split_.parts, aggregate->Copy());
    duckdb::vector<ExpressionPtr> column;
    column.push_back(ColumnRef(type, ColumnBinding(split_.parts_index, part + 1)));
    auto merge =
        MergeParts(split_.context, aggregate->Cast<BoundAggregateExpression>(), std::move(column));
    Orders by_range;
    by_range.emplace_back(duckdb::OrderType::ASCENDING, duckdb::OrderByNullType::NULLS_LAST,
                          ColumnRef(LogicalType::USMALLINT, ColumnBinding(split_.parts_index, 0)));
    ExpressionPtr fact = WindowOf(merge->Cast<BoundAggregateExpression>(), by_range,
                                  rows == Rows::kAll ? WindowBoundary::UNBOUNDED_FOLLOWING
                                                     : WindowBoundary::EXPR_PRECEDING_ROWS);
    auto fact_type = fact->return_type;
    idx_t place = Put(split_.facts, std::move(fact));
    return ColumnRef(fact_type, ColumnBinding(split_.facts_index, place + 1));
  }

  ExpressionPtr Count(ExpressionPtr aggregate, Rows rows) {
    return FirstOf(
        ListOf(Cast(OfRanges(std::move(aggregate), rows), LogicalType::BIGINT), Number(0)));
  }
  ExpressionPtr RowsBefore() { return Count(CountRows(split_.context), Rows::kBefore); }
  ExpressionPtr AllRows() { return Count(CountRows(split_.context), Rows::kAll); }

  ExpressionPtr DistinctKeys() {
    auto count =
        BindAggregate(split_.context, "count", ListOf(SortKey(split_.context, window_.orders)));
    count->Cast<BoundAggregateExpression>().aggr_type = duckdb::AggregateType::DISTINCT;
    return count;
  }

  // How many rows of the task come before the end of the row's peers.
  ExpressionPtr PeersEnd() {
    auto count = CountRows(split_.context);
    return OfTask(WindowOf(count->Cast<BoundAggregateExpression>(), window_.orders,
                           WindowBoundary::CURRENT_ROW_RANGE));
  }

  ExpressionPtr OwnRank(ExpressionType type) {
    auto rank =
        duckdb::make_uniq<BoundWindowExpression>(type, LogicalType::BIGINT, nullptr, nullptr);
    CopyOrders(window_.orders, rank->orders);
    rank->start = WindowBoundary::UNBOUNDED_PRECEDING;
    rank->end = WindowBoundary::CURRENT_ROW_RANGE;
    return Add(OfTask(std::move(rank)), RowsBefore());
  }

  // (rank - 1) / (rows - 1), and 0 of a single row.
  ExpressionPtr PercentRank() {
    auto before = Call("-", OwnRank(ExpressionType::WINDOW_RANK), Number(1));
    auto others = Call("greatest", Call("-", AllRows(), Number(1)), Number(1));
    return Divide(std::move(before), std::move(others));
  }

  // The first of the tiles have a row more than the others.
  ExpressionPtr Tile() {
    auto tiles = Call("least", window_.children[0]->Copy(), AllRows());
    auto size = Call("//", AllRows(), tiles->Copy());
    auto larger = Call("-", AllRows(), Call("*", tiles->Copy(), size->Copy()));
    auto larger_size = Add(size->Copy(), Number(1));
    auto in_larger = Call("*", larger->Copy(), larger_size->Copy());
    auto row = Call("-", OwnRank(ExpressionType::WINDOW_ROW_NUMBER), Number(1));
    auto is_in_larger = duckdb::make_uniq<duckdb::BoundComparisonExpression>(
        ExpressionType::COMPARE_LESSTHAN, row->Copy(), in_larger->Copy());
    auto of_larger = Add(Call("//", row->Copy(), std::move(larger_size)), Number(1));
    auto rest = Call("//", Call("-", std::move(row), std::move(in_larger)), std::move(size));
    auto of_rest = Add(Add(std::move(larger), std::move(rest)), Number(1));
    return CaseOf(std::move(is_in_larger), std::move(of_larger), std::move(of_rest));
  }

  ExpressionPtr Aggregate() {
    bool is_count = NameOf(window_) == "count" || NameOf(window_) == "count_star";
    if (HasAllRows(window_)) {
      return is_count ? Count(AggregateOf(window_), Rows::kAll)
                      : OfRanges(AggregateOf(window_), Rows::kAll);
    }
    auto running = OfTask(window_.Copy());
    if (is_count) return Add(std::move(running), Count(AggregateOf(window_), Rows::kBefore));
    auto before = Cast(OfRanges(AggregateOf(window_), Rows::kBefore), window_.return_type);
    if (IsExtreme(window_)) {
      const char* name = NameOf(window_) == "min" ? "least" : "greatest";
      return Call(name, std::move(running), std::move(before));
    }
    auto sum = Cast(Add(before->Copy(), running->Copy()), window_.return_type);
    return FirstOf(ListOf(std::move(sum), std::move(before), std::move(running)));
  }

  SplitWindows& split_;
  const BoundWindowExpression& window_;
};

}  // namespace

bool IsTotal(const BoundWindowExpression& window) {
  return window.GetExpressionType() == ExpressionType::WINDOW_AGGREGATE && IsPlain(window) &&
         HasAllRows(window);
}

ExpressionPtr AggregateOf(const BoundWindowExpression& window) {
  return duckdb::make_uniq<BoundAggregateExpression>(
      *window.aggregate, Copies(window.children),
      window.filter_expr ? window.filter_expr->Copy() : nullptr,
      window.bind_info ? window.bind_info->Copy() : nullptr,
      window.distinct ? duckdb::AggregateType::DISTINCT : duckdb::AggregateType::NON_DISTINCT);
}

bool CanSplit(const BoundWindowExpression& window) {
  if (!IsPlain(window)) return false;
  if (window.GetExpressionType() == ExpressionType::WINDOW_AGGREGATE) {
    return (IsRunning(window) || HasAllRows(window)) && Adds(window);
  }
  if (window.orders.empty() || window.filter_expr) return false;
  if (window.GetExpressionType() == ExpressionType::WINDOW_NTILE) {
    const auto& tiles = *window.children[0];
    if (tiles.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT) return false;
    const auto& value = tiles.Cast<duckdb::BoundConstantExpression>().value;
    return value.type() == LogicalType::BIGINT && !value.IsNull() && value.GetValue<int64_t>() > 0;
  }
  return IsAboutTies(window);
}

SplitWindows::SplitWindows(duckdb::ClientContext& client_context, duckdb::Binder& binder)
    : context(client_context),
      task_index(binder.GenerateTableIndex()),
      parts_index(binder.GenerateTableIndex()),
      facts_index(binder.GenerateTableIndex()) {}

void SplitWindows::Add(const BoundWindowExpression& window) {
  auto result = ResultOf(*this, window).Build();
  results.push_back(
      duckdb::BoundCastExpression::AddCastToType(context, std::move(result), window.return_type));
}

ExpressionPtr SplitWindows::AddFirstRange(ExpressionPtr range, const Orders& orders) {
  auto least = BindAggregate(context, "min", ListOf(std::move(range)));
  auto window = WindowOf(least->Cast<BoundAggregateExpression>(), orders,
                         WindowBoundary::UNBOUNDED_FOLLOWING);
  auto type = window->return_type;
  of_task.push_back(std::move(window));
  return ColumnRef(type, ColumnBinding(task_index, of_task.size() - 1));
}

}  // namespace smallpond
