#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "smallpond/api.h"
#include "smallpond/arrow.h"
#include "smallpond/column.h"
#include "smallpond/options.h"
#include "smallpond/ticker.h"

namespace smallpond {

class LogicalPlan;   // src/plan/logical_plan.h
class SessionState;  // src/session/session_state.h

/// A lazy table: what to compute, not the rows. Cheap to copy; copies share the plan, which never
/// changes. Nothing but the names and types is worked out until one of the ending methods is
/// called. Every ending method computes anew.
///
/// Any thread may use a frame, several at a time too. A frame keeps its session's DuckDB alive.
class SMALLPOND_API DataFrame {
 public:
  // --- shape ---

  /// Names and types in order, known without running anything.
  const std::vector<Column>& columns() const;
  /// How many partitions `repartition` made; 1 where none was asked for.
  int num_partitions() const;
  /// What the caller should know about how the frame came about, or "": that `PartialSql` merged
  /// partitions, and why.
  std::string notice() const;

  // --- transform ---

  /// Spreads the rows over `n` partitions. Throws InvalidInput where n is not in
  /// 1..Options::kMaxPartitions, a column does not exist, or more than one way is asked for.
  DataFrame Repartition(int n, const RepartitionOptions& options = {}) const;

  // --- end ---

  /// The number of rows; from the files' metadata where that is enough.
  int64_t Count(const Ticker& ticker = {}) const;

  /// Hands out all rows as they are computed, with bounded memory. The stream owns its connection
  /// and may outlive the frame and the session. It may be dropped half-read. Its get_next returns
  /// EIO and an error text where the query fails.
  /// The ticker is called until the first rows are there.
  void ToArrowStream(ArrowArrayStream* out, const Ticker& ticker = {}) const;

  /// Computes all rows with all threads, then hands them out as a stream over memory. Preferable
  /// where everything is read anyway. `limit` >= 0 takes only that many rows.
  void Collect(ArrowArrayStream* out, int64_t limit = -1, const Ticker& ticker = {}) const;

  /// The first `max_rows` rows as a box of text, `width` characters wide (0: the terminal's width).
  std::string ToText(int max_rows = 20, int width = 0, const Ticker& ticker = {}) const;

  /// The first `max_rows` rows as an HTML table, all text escaped.
  std::string ToHtml(int max_rows = 20, const Ticker& ticker = {}) const;

  /// Writes the rows to one file where `path` ends as such a file does (".parquet", ".csv.gz",
  /// ".jsonl" …) and nothing asks for several: partitions, WriteOptions::partition_by or
  /// file_size_bytes, or a folder of that name. The file appears whole; an earlier one is replaced,
  /// as WriteOptions::mode says, and nothing can be appended to it.
  ///
  /// Otherwise into the folder `path`, one file a partition unless the options say otherwise, or
  /// one a task where tasks compute a frame that was not repartitioned (docs/writing.md);
  /// the files' names sort as the partitions, and the rows where they are sorted. The folder
  /// appears with its files whole, or stays as it was. A folder that holds files of others is
  /// refused. Of several writers of a folder at a time one wins, and the others get Unavailable;
  /// appends go on top of each other. Rows that are appended are cast to the columns that are
  /// there, by name; a value that changes by it is an error. Throws InvalidInput, Io, Unavailable.
  WriteResult WriteParquet(const std::string& path, const WriteOptions& options = {},
                           const Ticker& ticker = {}) const;
  /// The same as CSV with a header, or as JSON with one object a line.
  WriteResult WriteCsv(const std::string& path, const WriteOptions& options = {},
                       const Ticker& ticker = {}) const;
  WriteResult WriteJson(const std::string& path, const WriteOptions& options = {},
                        const Ticker& ticker = {}) const;

  /// Writes the rows to one file: "csv" with a header, "json" with one object a line, or "parquet".
  /// The file appears whole; an earlier one is replaced then. A path below /dev/ is written to
  /// directly. Throws InvalidInput or Io.
  void WriteFile(const std::string& path, const std::string& format,
                 const Ticker& ticker = {}) const;

  /// What will be done and why: the frame's plan with what was merged, elided or is run per
  /// partition, how many files and splits are read, then the stages and their operators, or
  /// DuckDB's own plan where one DuckDB computes it all. With `analyze` it is computed, and what
  /// was done is told as well. Throws Io where a file can't be read any more; with `analyze` what
  /// computing it throws.
  std::string Explain(const ExplainOptions& options = {}, const Ticker& ticker = {}) const;

  /// One line: the columns and the number of partitions.
  std::string ToString() const;

 private:
  friend struct Internals;  // src/session/internals.h
  WriteResult Write(const std::string& path, const std::string& format, const WriteOptions& options,
                    const Ticker& ticker) const;
  WriteResult WriteOneFile(const std::string& path, const std::string& format,
                           const WriteOptions& options, const Ticker& ticker) const;
  DataFrame(std::shared_ptr<SessionState> session, std::shared_ptr<const LogicalPlan> plan);

  std::shared_ptr<SessionState> session_;    // Shared by the session and its frames.
  std::shared_ptr<const LogicalPlan> plan_;  // Shared by frames and the plans built on them.
};

}  // namespace smallpond
