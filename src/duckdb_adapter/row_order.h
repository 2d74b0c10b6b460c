#pragma once

#include <functional>
#include <map>
#include <set>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// In which order the rows of an operator come, where whoever reads them keeps it.
enum class RowOrder {
  kNone,    ///< In any; another run may give another.
  kStored,  ///< As they stand in what is read, one file after the other.
  kSorted,  ///< As the query asks for, or there is one row at most.
};

/// Bind data of a scan that may be known to have exactly one row, whatever is estimated.
struct CountedScanData : duckdb::TableFunctionData {
  bool one_row = false;
};

/// Whether what has no operator below gives its rows in a fixed order.
bool ComesInOrder(const duckdb::LogicalOperator& source);

/// Whether an operator passes its inputs' order on, one input after the other. A join does where
/// its right side has one row, such as a subquery's.
bool KeepsOrder(const duckdb::LogicalOperator& op);

/// Whether what the operator makes of its rows goes by their order: LIMIT, row_number() OVER (),
/// first, last and lists without an order of their own.
bool GoesByOrder(duckdb::LogicalOperator& op);

/// Returns the window by which a correlated subquery (DELIM join) numbers its rows where it can't
/// find them again by their values, or null. Which row has which number is open.
const duckdb::LogicalOperator* NumberingWindow(const duckdb::LogicalOperator& op);

/// Whether no operator of the plan below has more than one row.
bool HasOneRow(const duckdb::LogicalOperator& op);

/// Tells the order of the rows of a plan's operators, common tables' included. Knows what it told
/// once, so that the plan must not change meanwhile.
class RowOrders {
 public:
  /// `order_of_source` tells it of what has no operator below and comes in order.
  using OrderOfSource = std::function<RowOrder(const duckdb::LogicalOperator& source)>;
  explicit RowOrders(OrderOfSource order_of_source)
      : order_of_source_(std::move(order_of_source)) {}

  /// A common table has to be asked for before what reads it.
  RowOrder Of(const duckdb::LogicalOperator& op);

  /// Returns the operators of a plan that need the order of their inputs, because they go by it or
  /// pass it on to one that does, or to the result where that `is_wanted` in order.
  std::set<const duckdb::LogicalOperator*> Readers(duckdb::LogicalOperator& plan, bool is_wanted);

 private:
  RowOrder Find(const duckdb::LogicalOperator& op);
  void FindReaders(duckdb::LogicalOperator& op, bool is_wanted);

  OrderOfSource order_of_source_;
  std::map<const duckdb::LogicalOperator*, RowOrder> known_;
  std::map<duckdb::idx_t, RowOrder> common_tables_;
  std::set<duckdb::idx_t> wanted_tables_;
  std::set<const duckdb::LogicalOperator*> numberings_;
  std::set<const duckdb::LogicalOperator*> readers_;
};

}  // namespace smallpond
