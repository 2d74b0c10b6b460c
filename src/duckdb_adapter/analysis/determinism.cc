#include "duckdb_adapter/analysis/determinism.h"

#include <algorithm>
#include <map>

#include "duckdb_adapter/analysis/inexact_values.h"
#include "duckdb_adapter/analysis/known_rows.h"
#include "duckdb_adapter/analysis/nondeterministic_part.h"
#include "duckdb_adapter/analysis/order_dependence.h"
#include "duckdb_adapter/analysis/scan_facts.h"
#include "duckdb_adapter/row_order.h"

namespace smallpond {
namespace {

using duckdb::ColumnBinding;
using duckdb::Expression;
using duckdb::ExpressionClass;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using Rows = KnownRows;
using Expressions = duckdb::vector<duckdb::unique_ptr<Expression>>;

// Walks a plan from its sources up.
class DeterminismWalk {
 public:
  using FactsOf = std::function<std::optional<OutputFacts>(const LogicalOperator&)>;

  DeterminismWalk(int fragment, const FactsOf& facts_of, bool keeps_order)
      : fragment_(fragment), facts_of_(facts_of), keeps_order_(keeps_order) {}

  Determinism Run(LogicalOperator& plan) {
    Rows rows = Visit(plan);
    OutputFacts output;
    output.order = rows.order;
    auto columns = plan.GetColumnBindings();
    for (const auto& column : columns) output.inexact.push_back(values_.Of(column));
    for (const auto& column : rows.unique) {
      auto place = std::find(columns.begin(), columns.end(), column);
      if (place == columns.end()) {
        output.unique.clear();
        break;
      }
      output.unique.push_back(static_cast<size_t>(place - columns.begin()));
    }
    return {values_.decided(), std::move(output)};
  }

 private:
  // --- what the parts of a plan tell

  Rows Visit(LogicalOperator& op) {
    if (HasSample(op) || LooksForFiles(op) || !VolatilePart(op).empty()) Decide({fragment_});
    if (op.type == LogicalOperatorType::LOGICAL_MATERIALIZED_CTE) return VisitCommonTable(op);
    if (op.type == LogicalOperatorType::LOGICAL_PROJECTION && CallsError(op)) {
      guarded_.insert(op.children[0].get());  // DuckDB's check that a subquery has one row.
    }
    std::vector<Rows> inputs;
    for (auto& child : op.children) inputs.push_back(Visit(*child));
    Rows rows = VisitByType(op, inputs);
    rows.one_row = HasOneRow(op);
    if (rows.one_row) rows.order = FragmentSet();
    return rows;
  }

  Rows VisitByType(LogicalOperator& op, std::vector<Rows>& inputs) {
    switch (op.type) {
      case LogicalOperatorType::LOGICAL_PROJECTION:
        return VisitProjection(op.Cast<duckdb::LogicalProjection>(), inputs[0]);
      case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
        return VisitAggregate(op.Cast<duckdb::LogicalAggregate>(), inputs[0]);
      case LogicalOperatorType::LOGICAL_WINDOW:
        return VisitWindow(op.Cast<duckdb::LogicalWindow>(), inputs[0]);
      case LogicalOperatorType::LOGICAL_DISTINCT:
        return VisitDistinct(op.Cast<duckdb::LogicalDistinct>(), inputs[0]);
      case LogicalOperatorType::LOGICAL_UNION:
      case LogicalOperatorType::LOGICAL_EXCEPT:
      case LogicalOperatorType::LOGICAL_INTERSECT:
        return VisitSetOperation(op.Cast<duckdb::LogicalSetOperation>(), inputs);
      case LogicalOperatorType::LOGICAL_ORDER_BY:
        return Sorted(SortKeys(op.Cast<duckdb::LogicalOrder>().orders), inputs[0]);
      case LogicalOperatorType::LOGICAL_TOP_N: {
        Rows rows = Sorted(SortKeys(op.Cast<duckdb::LogicalTopN>().orders), inputs[0]);
        Decide(*rows.order);
        return rows;
      }
      case LogicalOperatorType::LOGICAL_LIMIT:
        UseExpressions(op);
        DecideByOrder(inputs[0]);
        return inputs[0];
      case LogicalOperatorType::LOGICAL_FILTER:
        UseExpressions(op);
        return inputs[0];
      case LogicalOperatorType::LOGICAL_UNNEST:
        return VisitUnnest(op.Cast<duckdb::LogicalUnnest>(), inputs[0]);
      case LogicalOperatorType::LOGICAL_CTE_REF:
        return VisitReference(op.Cast<duckdb::LogicalCTERef>());
      default:
        return VisitOther(op, inputs);
    }
  }

  Rows VisitOther(LogicalOperator& op, std::vector<Rows>& inputs) {
    if (op.children.empty()) return VisitSource(op);
    UseExpressions(op);
    Rows rows;
    switch (op.type) {
      case LogicalOperatorType::LOGICAL_ASOF_JOIN:  // One of those that are as near.
        Decide({fragment_});
        break;
      case LogicalOperatorType::LOGICAL_POSITIONAL_JOIN:
        for (const auto& input : inputs) DecideByOrder(input);
        break;
      case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
        if (KeepsOrder(op)) rows = inputs[0];
        break;
      case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
      case LogicalOperatorType::LOGICAL_DELIM_JOIN:
      case LogicalOperatorType::LOGICAL_ANY_JOIN: {
        auto type = op.Cast<duckdb::LogicalJoin>().join_type;
        bool keeps_left = type == duckdb::JoinType::SEMI || type == duckdb::JoinType::ANTI ||
                          type == duckdb::JoinType::MARK;
        if (keeps_left) rows.unique = inputs[0].unique;
        if (KeepsOrder(op)) rows = inputs[0];
        break;
      }
      default:  // It may compute anything from its inputs.
        for (auto& child : op.children) {
          for (const auto& column : child->GetColumnBindings()) Decide(values_.Of(column));
        }
        break;
    }
    return rows;
  }

  Rows VisitSource(LogicalOperator& op) {
    UseExpressions(op);
    Rows rows;
    auto facts = facts_of_(op);
    if (!facts) {
      if (keeps_order_ && ComesInOrder(op)) rows.order = FragmentSet();
      return rows;
    }
    if (keeps_order_) rows.order = facts->order;
    std::map<size_t, duckdb::ColumnBinding> columns = ColumnsRead(op.Cast<duckdb::LogicalGet>());
    for (const auto& [position, column] : columns) {
      if (position < facts->inexact.size()) values_.Set(column, facts->inexact[position]);
    }
    for (size_t position : facts->unique) {
      if (columns.count(position)) rows.unique.push_back(columns.at(position));
    }
    if (rows.unique.size() < facts->unique.size())
      rows.unique.clear();  // It reads not all of them.
    return rows;
  }

  Rows VisitProjection(duckdb::LogicalProjection& projection, const Rows& input) {
    Rows rows;
    rows.order = input.order;
    auto& expressions = projection.expressions;
    for (duckdb::idx_t i = 0; i < expressions.size(); ++i) {
      values_.Set(ColumnBinding(projection.table_index, i), values_.Of(*expressions[i]));
    }
    rows.unique = Renamed(input.unique, projection.table_index, expressions);
    return rows;
  }

  // The places that columns have among expressions; none where one is missing.
  static std::vector<ColumnBinding> Renamed(const std::vector<ColumnBinding>& columns,
                                            duckdb::idx_t table_index,
                                            const Expressions& expressions) {
    std::vector<ColumnBinding> renamed;
    for (const auto& column : columns) {
      duckdb::idx_t i = 0;
      while (i < expressions.size() && !IsColumn(*expressions[i], column)) ++i;
      if (i == expressions.size()) return {};
      renamed.emplace_back(table_index, i);
    }
    return renamed;
  }

  Rows VisitAggregate(duckdb::LogicalAggregate& op, const Rows& input) {
    Rows rows;
    for (auto& group : op.groups) {
      Decide(values_.Of(*group));
      DecideByForm(group->return_type);
    }
    bool has_one_set = op.grouping_sets.size() <= 1;
    for (duckdb::idx_t i = 0; i < op.groups.size() && has_one_set; ++i) {
      rows.unique.emplace_back(op.group_index, i);
    }
    bool is_guarded = guarded_.count(&op) > 0 && op.groups.empty();
    for (duckdb::idx_t i = 0; i < op.expressions.size(); ++i) {
      const auto& aggregate = op.expressions[i]->Cast<duckdb::BoundAggregateExpression>();
      auto dependence = OrderDependenceOf(aggregate.function);
      bool is_open = dependence == OrderDependence::kValue && !input.one_row && !is_guarded;
      if (is_open && !HasTotalOrder(aggregate)) Decide({fragment_});
      DecideByForm(aggregate.return_type);
      values_.Set(ColumnBinding(op.aggregate_index, i), ValueOf(aggregate, dependence));
    }
    return rows;
  }

  FragmentSet ValueOf(const duckdb::BoundAggregateExpression& aggregate,
                      OrderDependence dependence) {
    if (aggregate.filter) Decide(values_.Of(*aggregate.filter));
    if (aggregate.order_bys) {
      for (const auto& order : aggregate.order_bys->orders) Decide(values_.Of(*order.expression));
    }
    FragmentSet inexact = values_.OfAll(aggregate.children);
    if (aggregate.IsDistinct() || Compares(aggregate.function)) Decide(inexact);
    return Result(std::move(inexact), aggregate.function, dependence);
  }

  // What becomes of inexact arguments in an aggregate.
  FragmentSet Result(FragmentSet inexact, const duckdb::AggregateFunction& function,
                     OrderDependence dependence) {
    const auto& type = function.GetReturnType();
    bool counts = function.name == "count" || function.name == "regr_count";
    if (counts) return {};
    bool is_state = type.id() == duckdb::LogicalTypeId::BLOB;
    if (!inexact.empty() && !HasFloat(type) && !is_state) {
      Decide(inexact);
      return {};
    }
    if (!inexact.empty() || dependence == OrderDependence::kRounding) inexact.insert(fragment_);
    return inexact;
  }

  Rows VisitWindow(duckdb::LogicalWindow& op, const Rows& input) {
    for (duckdb::idx_t i = 0; i < op.expressions.size(); ++i) {
      const auto& window = op.expressions[i]->Cast<duckdb::BoundWindowExpression>();
      auto keys = SortKeys(window.orders);
      for (const auto& partition : window.partitions) keys.push_back(partition.get());
      for (const auto* key : keys) Decide(values_.Of(*key));
      for (const auto& order : window.arg_orders) Decide(values_.Of(*order.expression));
      for (const auto* part :
           {&window.filter_expr, &window.start_expr, &window.end_expr, &window.offset_expr}) {
        if (*part) Decide(values_.Of(**part));
      }
      if (DependsOnTies(window) && !input.AreApartBy(keys)) {
        if (keys.empty()) {
          DecideByOrder(input);  // One thread reads the rows then.
        } else {
          Decide({fragment_});
        }
      }
      values_.Set(ColumnBinding(op.window_index, i), ValueOf(window));
    }
    Rows rows;
    rows.unique = input.unique;
    if (KeepsOrder(op)) rows.order = input.order;
    return rows;
  }

  FragmentSet ValueOf(const duckdb::BoundWindowExpression& window) {
    FragmentSet inexact = values_.OfAll(window.children);
    if (window.default_expr) inexact.merge(values_.Of(*window.default_expr));
    if (window.distinct) Decide(inexact);
    if (!window.aggregate) return inexact;
    if (Compares(*window.aggregate)) Decide(inexact);
    DecideByForm(window.return_type);
    return Result(std::move(inexact), *window.aggregate, OrderDependenceOf(*window.aggregate));
  }

  Rows VisitDistinct(duckdb::LogicalDistinct& op, const Rows& input) {
    Rows rows;
    for (auto& target : op.distinct_targets) {
      Decide(values_.Of(*target));
      if (target->GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF) {
        rows.unique.push_back(target->Cast<duckdb::BoundColumnRefExpression>().binding);
      }
    }
    if (rows.unique.size() < op.distinct_targets.size()) rows.unique = input.unique;
    bool is_on = op.distinct_type == duckdb::DistinctType::DISTINCT_ON;
    if (is_on) Decide({fragment_});
    for (const auto& target : op.distinct_targets) {
      // What DuckDB compares in the place of a column is not what it hands on.
      bool is_column = target->GetExpressionClass() == ExpressionClass::BOUND_COLUMN_REF;
      is_column ? DecideByForm(target->return_type) : Decide({fragment_});
    }
    return rows;
  }

  Rows VisitSetOperation(duckdb::LogicalSetOperation& op, const std::vector<Rows>& inputs) {
    bool passes_all = op.type == LogicalOperatorType::LOGICAL_UNION && op.setop_all;
    Rows rows;
    if (passes_all) rows.order = FragmentSet();
    op.ResolveOperatorTypes();
    for (size_t side = 0; side < op.children.size(); ++side) {
      auto columns = op.children[side]->GetColumnBindings();
      for (duckdb::idx_t i = 0; i < op.column_count && i < columns.size(); ++i) {
        FragmentSet inexact = values_.Of(columns[i]);
        if (!passes_all) {
          Decide(inexact);
          DecideByForm(op.types[i]);
        }
        inexact.merge(values_.Of(ColumnBinding(op.table_index, i)));
        values_.Set(ColumnBinding(op.table_index, i), std::move(inexact));
      }
      if (!rows.order) continue;
      if (inputs[side].order) {
        rows.order->insert(inputs[side].order->begin(), inputs[side].order->end());
      } else {
        rows.order.reset();
      }
    }
    return rows;
  }

  Rows VisitUnnest(duckdb::LogicalUnnest& op, const Rows& input) {
    for (duckdb::idx_t i = 0; i < op.expressions.size(); ++i) {
      values_.Set(ColumnBinding(op.unnest_index, i), values_.Of(*op.expressions[i]));
    }
    Rows rows;
    rows.order = input.order;
    return rows;
  }

  Rows VisitCommonTable(LogicalOperator& op) {
    CommonTable table{Visit(*op.children[0]), op.children[0]->GetColumnBindings()};
    tables_[op.Cast<duckdb::LogicalMaterializedCTE>().table_index] = std::move(table);
    return Visit(*op.children[1]);
  }

  Rows VisitReference(duckdb::LogicalCTERef& op) {
    auto found = tables_.find(op.cte_index);
    if (found == tables_.end()) return {};
    const CommonTable& table = found->second;
    Rows rows = table.rows;
    if (!rows.one_row) rows.order.reset();  // DuckDB's threads fill the table as rows come.
    auto columns = op.GetColumnBindings();
    for (size_t i = 0; i < columns.size() && i < table.columns.size(); ++i) {
      values_.Set(columns[i], values_.Of(table.columns[i]));
      for (auto& unique : rows.unique) {
        if (unique == table.columns[i]) unique = columns[i];
      }
    }
    return rows;
  }

  // --- what follows

  // The order of a sort. Rows with equal keys come in any.
  Rows Sorted(const std::vector<const Expression*>& keys, const Rows& input) {
    Rows rows;
    rows.unique = input.unique;
    rows.order = FragmentSet();
    for (const auto* key : keys) rows.order->merge(values_.Of(*key));
    if (!input.AreApartBy(keys)) rows.order->insert(fragment_);
    return rows;
  }

  // Something goes by the order of these rows.
  void DecideByOrder(const Rows& rows) {
    if (rows.one_row) return;
    Decide(rows.order ? *rows.order : FragmentSet{fragment_});
  }

  void UseExpressions(LogicalOperator& op) {
    duckdb::LogicalOperatorVisitor::EnumerateExpressions(
        op, [&](duckdb::unique_ptr<Expression>* expression) { Decide(values_.Of(**expression)); });
  }

  // One of several equal values stands for all of them.
  void DecideByForm(const duckdb::LogicalType& type) {
    if (HasEqualForms(type)) Decide({fragment_});
  }

  void Decide(const FragmentSet& fragments) { values_.Decide(fragments); }

  struct CommonTable {
    Rows rows;
    duckdb::vector<ColumnBinding> columns;
  };

  const int fragment_;
  const FactsOf& facts_of_;
  const bool keeps_order_;
  InexactValues values_;
  std::map<duckdb::idx_t, CommonTable> tables_;
  std::set<const LogicalOperator*> guarded_;
};

}  // namespace

Determinism FindDeterminism(
    LogicalOperator& plan, int fragment,
    const std::function<std::optional<OutputFacts>(const LogicalOperator&)>& facts_of,
    bool keeps_order) {
  return DeterminismWalk(fragment, facts_of, keeps_order).Run(plan);
}

}  // namespace smallpond
