#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "duckdb_adapter/cut/cut_state.h"
#include "duckdb_adapter/cut/distribution.h"
#include "duckdb_adapter/cut/operator_text.h"
#include "duckdb_adapter/duckdb_internal.h"
#include "duckdb_adapter/row_order.h"

namespace smallpond {

struct SplitWindows;

/// Cuts one optimized plan into fragments, from the leaves up. For every operator it finds where
/// the rows of the inputs are, moves them where the operator needs them, by cutting there, and
/// tells where its own rows are then:
///
///     HASH JOIN a = b                 GET exchange 0 ⨝ GET exchange 1       fragment 2
///     ├── scan l             →        fragment 0: scan l, by hash of a
///     └── scan r                      fragment 1: scan r, by hash of b
///
/// What it knows no way to share is gathered to one task.
class PlanCutter {
 public:
  PlanCutter(duckdb::ClientContext& context, duckdb::Binder& binder, const CutOptions& options,
             CutState& state)
      : context_(context), binder_(binder), options_(options), state_(state), cut_(state.query) {}

  using Operator = duckdb::unique_ptr<duckdb::LogicalOperator>;

  // Each takes the whole plan and adds its fragments to those of the job.

  /// The last fragment is the result.
  void CutResult(Operator plan);
  /// These return the last fragment; see QueryCutter.
  int CutByNumber(Operator plan, int num_partitions);
  int CutEvenly(Operator plan, int num_partitions);
  int CutWhole(Operator plan);
  int CutPerPartition(Operator plan);
  int CutPerPartition(Operator plan, int num_partitions);

  /// Makes a fragment's rows the result.
  void ReadResult(int fragment, const duckdb::vector<duckdb::LogicalType>& types);

  /// About how large a row of these types is.
  static double RowBytes(const duckdb::vector<duckdb::LogicalType>& types);

 private:
  using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

  // Whether an operator gives all rows of the last fragment as they are.
  bool IsLastFragment(const duckdb::LogicalOperator& op) const;
  // Makes a plan root_.
  void TakeRoot(Operator plan);
  void FindGuards(const duckdb::LogicalOperator& op);
  void FindSortedUnions(duckdb::LogicalOperator& op, RowOrders& orders);
  // Adds a fragment whose rows go by their last column, which they leave behind.
  int AddPartitioned(Operator plan, const Distribution& from, PartitionFunction function,
                     int num_partitions);
  // Cuts a plan up to its root_, and returns where that one's rows are.
  Distribution CutRoot(Operator plan);
  // Puts all that reads no partition, below `slot`, into fragments that every task reads.
  void BroadcastScans(Operator& slot);
  // Where a scan reads the rows of an earlier query, returns where they are.
  std::optional<Distribution> ReadPlanned(duckdb::LogicalGet& get);

  // Each takes an operator in its place of the plan, may put another one there, and returns where
  // its rows are.
  Distribution Distribute(Operator& slot);
  Distribution DistributeByType(Operator& slot);
  Distribution DistributeScan(Operator& slot);
  Distribution DistributeValues(Operator& slot);
  Distribution DistributeProjection(Operator& slot);
  Distribution DistributeAggregate(Operator& slot);
  Distribution ShuffleAggregate(Operator& slot, const Distribution& input);
  Distribution SplitInTwo(Operator& slot, const Distribution& input);
  Distribution CountValues(Operator& slot, const Distribution& input);
  Distribution AggregateApart(Operator& slot, const Distribution& input,
                              const std::vector<std::vector<duckdb::idx_t>>& parts);
  Operator CutAggregate(duckdb::LogicalOperator& rows, Expressions aggregates, ExchangeKind kind);
  Distribution DistributeDistinct(Operator& slot);
  Distribution DistributeWindow(Operator& slot);
  Distribution DistributeOverAllRows(Operator& slot, const Distribution& from);
  Distribution JoinTotals(Operator& slot, Distribution from);
  Distribution WindowByRanges(Operator& slot, Distribution from,
                              const duckdb::vector<duckdb::BoundOrderByNode>& orders);
  Operator CutFacts(duckdb::LogicalOperator& rows, duckdb::unique_ptr<duckdb::Expression> range,
                    SplitWindows& split);
  void CallAsRead(const duckdb::LogicalGet& get, OperatorText& text) const;
  void CallAsBefore(const duckdb::LogicalOperator& windows,
                    const duckdb::vector<duckdb::ColumnBinding>& columns,
                    duckdb::idx_t table_index);
  Distribution DistributeTopN(Operator& slot);
  Distribution DistributeLimit(Operator& slot);
  void LimitInputs(Operator& rows, int64_t first);
  Distribution DistributeOrder(Operator& slot);
  Distribution DistributeSample(Operator& slot);
  Distribution DistributeUnion(Operator& slot);
  Distribution DistributeSetOperation(Operator& slot);
  Distribution DistributeJoin(Operator& slot);
  Distribution DistributeCrossProduct(Operator& slot);
  Distribution JoinByHash(Operator& slot, const Distribution& left, const Distribution& right);
  // Moves the rows of two inputs so that those that are equal are in one task, and returns where
  // they are then.
  std::pair<Distribution, Distribution> BringTogether(Operator& slot, Distribution left,
                                                      Distribution right,
                                                      const Equalities& equalities);
  // Makes each task drop its own doubles before rows move.
  void DropDoubles(Operator& slot, Expressions targets);
  Distribution BroadcastSide(Operator& slot, int side, const Distribution& from,
                             const Distribution& other);
  Distribution DistributeAsofJoin(Operator& slot);
  std::optional<size_t> SideToSend(duckdb::LogicalOperator& op, const Distribution& left,
                                   const Distribution& right);
  Distribution DistributeDelimJoin(Operator& slot);
  Distribution JoinMarkByHash(Operator& slot, const Distribution& left, const Distribution& right);
  // Puts into `slot` the rows of a mark join by hash, with its marks as all tasks' right rows say.
  void PutMarks(Operator& slot);
  Operator FactsOfMark(duckdb::LogicalComparisonJoin& join);
  // Sends a side, whose rows the join keeps, to all tasks that have the other's.
  Distribution JoinAndFindUnmatched(Operator& slot, size_t kept_side,
                                    const Distribution& kept_where,
                                    const Distribution& other_where);
  void FindMatches(Operator& slot, const duckdb::ColumnBinding& number, const Distribution& where);
  // Returns a scan of the rows of `slot`, whose last column is now the number of a row. Those in
  // `slot` come to all tasks.
  Operator SendNumbered(Operator& slot, const Distribution& from);
  // Makes the numbers of a fragment's rows, each task's own, such that no two are the same.
  Operator WithUniqueNumbers(Operator scan, duckdb::idx_t number, duckdb::idx_t table_index);
  duckdb::LogicalGet& MakeNumbersUnique(Operator& slot, duckdb::idx_t number);
  Distribution DistributeCommonTable(Operator& slot);
  Distribution GatherChildren(Operator& slot, const std::string& why);
  // Whether rows come from a scan of files that tasks share, through filters and projections.
  bool IsScan(duckdb::LogicalOperator& op) const;
  // Cuts a query for a sorted sample of the sort keys of rows that are a scan, or another
  // fragment's.
  int CutSample(duckdb::LogicalOperator& rows,
                const duckdb::vector<duckdb::BoundOrderByNode>& orders);
  Operator RowsAgain(duckdb::LogicalOperator& rows, PlanCutter& other);
  int CutRowsAgain(Operator plan);
  // Makes the scans of a plan read those columns alone that it needs.
  void ReadNeededColumns(duckdb::LogicalOperator& plan);
  // Where rows with equal sort keys go, of which there may be many.
  enum class Ties { kAnywhere, kTogether };
  // Makes what is in `slot` a fragment whose rows lie by the ranges of their sort keys in a sample.
  // Returns the column of their number, which only rows have that are kept together.
  duckdb::ColumnBinding MoveByRange(Operator& slot, const Distribution& from,
                                    const duckdb::vector<duckdb::BoundOrderByNode>& orders,
                                    int sample, Ties ties);
  Operator NumberRanges(Operator rows, const duckdb::vector<duckdb::BoundOrderByNode>& orders,
                        int sample, Ties ties);
  // Makes a scan of files one whose files are left open, and returns whether several tasks can
  // share it. The files are looked at also where one task is to read them all.
  bool OpenScan(duckdb::LogicalGet& get, const FragmentScan& scan);
  // Makes a scan that only this process can read a given fragment, and puts a scan of its rows
  // there. Throws Unsupported where it can't be told from what surrounds it.
  Distribution GiveScan(Operator& slot);
  // Leaves everything below in one fragment, which one task runs.
  void ReadInOneTask(Operator& slot);

  // Makes what is in `slot` a fragment of its own, whose rows leave as `kind` says, and puts a scan
  // of them there, in order where the operator above needs it. Returns where they are then.
  Distribution Exchange(Operator& slot, const Distribution& from, ExchangeKind kind,
                        Expressions keys = {});
  // Makes what is no scan of files a fragment, so that it is computed once where it is read several
  // times. Returns where the rows are then.
  Distribution ComputeOnce(Operator& slot, const Distribution& from);
  // Where `op` is a scan of a fragment's rows, makes them come as `kind` says, without another
  // fragment that only passes them on.
  std::optional<Distribution> ReadOtherwise(duckdb::LogicalOperator& op, ExchangeKind kind);
  // Returns another scan of the fragment that `scan` reads, with columns of `table_index`.
  Operator ScanAgain(duckdb::LogicalOperator& scan, duckdb::idx_t table_index);
  // Whether the session keeps rows in order where nothing else is asked for.
  bool KeepsOrder() const;
  // Finds out what is deterministic of the next fragment, and which earlier ones are not because of
  // it.
  void NoteDeterminism(duckdb::LogicalOperator& plan);
  // Of the last fragment, whose rows are in several tasks: those that are apart in each are so in
  // all where equal ones are in one task.
  void KeepUniqueWhere(const Distribution& where,
                       const duckdb::vector<duckdb::ColumnBinding>& columns);
  int AddFragment(Operator plan, const Distribution& from, duckdb::idx_t num_columns, int num_keys,
                  bool ordered);
  Operator ScanFragment(int fragment, ExchangeKind kind, duckdb::idx_t table_index,
                        const duckdb::vector<duckdb::LogicalType>& types, double rows,
                        bool ordered);
  // Returns a scan of the one row that a fragment of one task has.
  Operator ScanRow(int fragment, ExchangeKind kind,
                   const duckdb::vector<duckdb::LogicalType>& types);
  void ReplaceColumns(const duckdb::vector<duckdb::ColumnBinding>& from, duckdb::idx_t table_index,
                      const duckdb::LogicalOperator& stop);
  // Notes why an operator whose input is spread is done by one task.
  void NoteGathered(const duckdb::LogicalOperator& op, const std::string& why) {
    gathered_[&op] = why;
  }
  std::string ScanText(const duckdb::LogicalGet& get) const;
  double EstimateBytes(duckdb::LogicalOperator& op);
  bool IsSmall(duckdb::LogicalOperator& op);

  duckdb::ClientContext& context_;
  duckdb::Binder& binder_;
  const CutOptions& options_;
  CutState& state_;
  CutQuery& cut_;  // Of the state.
  Operator root_;
  bool is_ordered_ = false;  // Whether root_'s rows come in an order.
  std::set<const duckdb::LogicalOperator*> order_readers_;  // Of the plan as it was.
  // Those with an input that is sorted, and those by whose rows' order something goes.
  std::set<const duckdb::LogicalOperator*> unions_in_order_;
  std::set<const duckdb::LogicalOperator*> numberings_;  // Windows whose numbers are made unique.
  bool keep_order_ = false;  // Whether the operator that is looked at is one of them.
  // first() of a subquery's rows, of which the operator above allows one.
  std::set<const duckdb::LogicalOperator*> guards_;
  std::map<duckdb::idx_t, FragmentScan> scans_;  // By the table index of the open scan.
  struct Source {
    FragmentInput input;
    Distribution distribution;
    double rows = 0;
    bool ordered = false;
    bool exclusive = false;  // Whatever reads it.
  };
  std::map<duckdb::idx_t, Source> sources_;  // By the table index of the exchange's scan.
  std::map<const duckdb::LogicalOperator*, std::string> gathered_;
  std::set<const duckdb::LogicalOperator*> partial_;  // Whose results are merged later.
  OperatorText text_;
};

}  // namespace smallpond
