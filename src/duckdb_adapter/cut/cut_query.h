#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/fragment/fragment.h"
#include "duckdb_adapter/sql/schema.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

/// A query cut into fragments, producers before consumers.
struct CutQuery {
  std::vector<Fragment> fragments;  ///< The last one's output is the result.
  std::string result;               ///< The plan that reads the result, as bytes.
  int result_input = 0;             ///< The id of that plan's one input.
  std::vector<std::string> columns;
};

/// What decides where a query is cut.
struct CutOptions {
  /// Whether a scan is large enough for several tasks.
  std::function<bool(const FragmentScan&)> is_divided;
  /// A join's side estimated to be at most this large is sent to every task instead of being
  /// shuffled, where the join allows that.
  double broadcast_bytes = 64e6;
};

/// Binds and optimizes queries with DuckDB and cuts the plans where rows have to change tasks. A
/// later query may read the rows of an earlier one's as those of a table, so that rows can lie
/// where the later one needs them:
///
///     CutByNumber(SELECT *, hash(k) % 10 …)     → fragment 3, into 10 partitions
///     CutPerPartition(SELECT … FROM rows of 3)  → fragment 4, 10 tasks
///     Finish(SELECT … FROM rows of 4)
///
/// The connection's database must be one for stages (PrepareForStages). Methods throw InvalidInput
/// where a query doesn't bind, Unsupported where a part of it can't leave this process; all of it
/// can then be run as a whole. One thread uses a cutter.
class QueryCutter {
 public:
  QueryCutter(Connection& connection, CutOptions options);
  ~QueryCutter();

  /// Who reads a fragment's rows.
  enum class Readers {
    kSomeTask,     ///< Any task reads any of them.
    kByPartition,  ///< Task i reads partition i, and no other task does.
    kEveryTask,    ///< Each task reads all.
  };

  /// Cuts a query whose rows go to partitions by its last column, the partition's number, which
  /// they leave behind. Returns the fragment.
  int CutByNumber(const Statement& query, int num_partitions);
  /// Cuts a query whose rows go around the partitions, as evenly as each task can tell.
  int CutEvenly(const Statement& query, int num_partitions);
  /// Cuts a query whose rows every task of another is to read.
  int CutWhole(const Statement& query);
  /// Makes a query one fragment, which is run as it is in each task. What it reads but RowsOf
  /// partitions comes to every task.
  int CutPerPartition(const Statement& query);
  /// Adds rows that this process is to write: `schema`'s, into so many partitions, in order.
  int AddGiven(const Schema& schema, double rows, int num_partitions);
  /// Says into how many partitions the rows of scans go that only this process can read: tables of
  /// the session, of attached databases, what most table functions give.
  void SetGivenPartitions(int num_partitions);

  /// Returns the query for a fragment's rows, to be a part of later ones.
  Statement RowsOf(int fragment, Readers readers);

  /// Returns the given fragments that are such scans, and the query for the rows of each, with the
  /// number of their partition where there are several. It is good for one run on this connection,
  /// in the transaction in which the scan was cut.
  std::map<int, Statement> GivenScans();

  /// Cuts the last query, whose rows are the result.
  CutQuery Finish(const Statement& query);
  /// The same where the last query is to be run as CutPerPartition says.
  CutQuery FinishPerPartition(const Statement& query);

 private:
  struct State;
  template <class Work>
  void WithPlan(const Statement& query, const Work& work);

  Connection& connection_;
  std::unique_ptr<State> state_;
};

/// Cuts one query.
CutQuery CutIntoFragments(Connection& connection, const Statement& query,
                          const CutOptions& options);

}  // namespace smallpond
