#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/fragment/fragment.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

/// A query cut into fragments, producers before consumers.
struct CutQuery {
  std::vector<Fragment> fragments;  ///< The last one's output is the result.
  std::string result;               ///< The plan that reads the result, as bytes.
  int result_input = 0;             ///< The id of that plan's one input.
  std::vector<std::string> columns;
  /// The rows of given fragments, by number, which this process is to write: with the number of
  /// their piece where there are several. These are AddGiven's, and scans that were cut out since
  /// only this process can read them: tables of the session, of attached databases, what most table
  /// functions give. Each is good for one run on the connection that cut, in the same transaction.
  std::map<int, Statement> given = {};
  double given_scan_bytes = 0;  ///< Of such scans, estimated.
};

/// Into how many pieces the rows go that this process writes.
struct GivenPieces {
  static constexpr double kRows = 50'000;  ///< Of a piece, at least.

  int at_most = 1;
  bool always = false;  ///< Whether `at_most` is asked for, however few rows there are.

  int PiecesOf(double rows) const {
    return always ? at_most : static_cast<int>(std::clamp(rows / kRows, 1.0, double(at_most)));
  }
};

/// What decides where a query is cut.
struct CutOptions {
  /// Whether a scan is large enough for several tasks.
  std::function<bool(const FragmentScan&)> is_divided;
  /// A join's side estimated to be at most this large is sent to every task instead of being
  /// shuffled, where the join allows that.
  double broadcast_bytes = 64e6;
  GivenPieces given = {};
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
  /// Cuts a query whose rows go to partitions in their order, to each as many.
  int CutByRows(const Statement& query, int num_partitions);
  /// Cuts a query whose rows every task of another is to read.
  int CutWhole(const Statement& query);
  /// Makes a query one fragment, which is run as it is in each task. What it reads but RowsOf
  /// partitions comes to every task.
  int CutPerPartition(const Statement& query);
  /// Adds rows that only this process has, of which there are so many.
  int AddGiven(const Statement& rows, int64_t num_rows);

  /// Returns the query for a fragment's rows, to be a part of later ones.
  Statement RowsOf(int fragment, Readers readers);

  /// Cuts the last query, whose rows are the result.
  CutQuery Finish(const Statement& query);
  /// The same where the last query is to be run as CutPerPartition says.
  CutQuery FinishPerPartition(const Statement& query);

 private:
  struct State;
  CutQuery TakeQuery();
  template <class Work>
  void WithPlan(const Statement& query, const Work& work);
  template <class Cut>
  int CutNext(const Statement& query, const Cut& cut);
  Statement CountsOf(int fragment);
  Statement RowsAndWriterOf(int fragment, Readers readers);
  std::string ScanOf(int fragment, Readers readers, double estimated_rows);

  Connection& connection_;
  std::unique_ptr<State> state_;
};

}  // namespace smallpond
