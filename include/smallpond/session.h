#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smallpond/api.h"
#include "smallpond/arrow.h"
#include "smallpond/data_frame.h"
#include "smallpond/options.h"
#include "smallpond/value.h"

namespace smallpond {

/// Further named arguments of DuckDB's reader, for example {"nullstr", "NA"} for CSV. What has a
/// field of its own can't stand here too.
using ReaderOptions = std::vector<std::pair<std::string, Value>>;

/// How to read Parquet files. Columns are matched by name; the first file says which there are, and
/// their types.
struct ParquetOptions {
  std::vector<std::string> columns = {};  ///< Only these columns, in this order. Empty: all.
  bool recursive = false;                 ///< Whether a folder is read with all folders below it.
  bool union_by_name = false;             ///< Whether all files' columns are there; NULL where not.
  /// Whether folders named key=value are columns. Empty: where all files have the same keys.
  std::optional<bool> hive_partitioning = {};
  ReaderOptions further = {};
  Ticker ticker = {};  ///< Called while the files are looked at and pipes are read.
};

/// How to read CSV files.
struct CsvOptions {
  /// Names and DuckDB types, by position: the first is for the first column, whatever a header
  /// says. Empty: found out from the data.
  std::vector<Column> schema = {};
  /// 1 to 4 bytes. Empty: found out from the data, but a comma with a schema.
  std::optional<std::string> delim = {};
  /// Whether the first line holds names. Empty: found out from the data, but no with a schema.
  std::optional<bool> header = {};
  bool ignore_errors = false;  ///< Whether lines that don't fit are left out, not an error.
  bool recursive = false;
  bool union_by_name = false;
  std::optional<bool> hive_partitioning = {};
  ReaderOptions further = {};
  Ticker ticker = {};  ///< Called while the files are looked at and pipes are read.
};

/// How to read JSON files: one object a line, or one array of objects.
struct JsonOptions {
  /// Names and DuckDB types; other names in the data are left out, missing ones are NULL. Empty:
  /// found out from the data.
  std::vector<Column> schema = {};
  bool ignore_errors = false;  ///< Whether lines that don't fit are rows of NULLs, not an error.
  bool recursive = false;
  bool union_by_name = false;
  std::optional<bool> hive_partitioning = {};
  ReaderOptions further = {};
  Ticker ticker = {};  ///< Called while the files are looked at and pipes are read.
};

/// Inputs of one query.
struct SqlInputs {
  std::vector<DataFrame> positional = {};          ///< Stand for {0}, {1} …
  std::map<std::string, DataFrame> named = {};     ///< Stand for their name, or {name}.
  std::vector<Value> params = {};                  ///< Stand for ? and $1, $2 …
  std::map<std::string, Value> named_params = {};  ///< Stand for $name.
  /// Asked for a table that neither the query nor the inputs nor the session define; may be empty.
  std::function<std::optional<DataFrame>(const std::string& name)> resolve = {};
  /// Names that `resolve` finds, so that an error can tell the nearest; may be empty.
  std::function<std::vector<std::string>()> in_reach = {};
  /// Called while files are looked at, pipes are read, queries run whose columns depend on the data
  /// (PIVOT without an IN list), and Execute runs a statement.
  Ticker ticker = {};
};

/// A place to run queries: one DuckDB in this process. Several sessions live side by side; those
/// that don't name a memory limit share one budget. Any thread may use a session.
///
///     auto sp = smallpond::Session::Init();
///     auto events = sp.ReadParquet({"events/*.parquet"});
///     smallpond::SqlInputs inputs{.positional = {events}};
///     auto counts = sp.Sql("SELECT kind, count(*) FROM {0} GROUP BY kind", inputs);
///     std::cout << counts.ToText();
class SMALLPOND_API Session {
 public:
  /// Opens a session. Starts no process and no service; takes some milliseconds. Throws
  /// InvalidInput for options that contradict each other, Unsupported for ones that need a cluster.
  static Session Init(const Options& options = Options::FromEnvironment());

  /// With every default filled in. Valid as long as the session is open.
  const Options& options() const;
  /// One line for people: versions, road, threads, memory, folders; or that it is closed.
  std::string ToString() const;

  // --- read ---
  // Paths are files, globs or folders. A folder stands for the files in it with the format's
  // endings (in any case, and compressed ones of text) or, such as "part-0000", without any, and in
  // folders named key=value below it; the frame's notice() tells what else is there. A pipe is read
  // once a session, here, and kept in temp_dir. Throws InvalidInput or Io here, not later, where
  // nothing matches or a file can't be read, and Unsupported for the files of a table of Delta
  // Lake, Iceberg or Hudi.

  DataFrame ReadParquet(const std::vector<std::string>& paths, const ParquetOptions& options = {});
  DataFrame ReadCsv(const std::vector<std::string>& paths, const CsvOptions& options = {});
  DataFrame ReadJson(const std::vector<std::string>& paths, const JsonOptions& options = {});

  /// Takes over `stream`, reads it whole into memory (without copying its buffers) and releases it.
  /// The frame can be read any number of times. `description` is shown by Explain.
  DataFrame FromArrow(ArrowArrayStream* stream, const std::string& description = "arrow");

  // --- query ---

  /// The answer of one DuckDB to `query`: one SELECT (or FROM, VALUES, PIVOT, DESCRIBE, SUMMARIZE
  /// …); a trailing semicolon is fine. Table names mean, in this order: a CTE, an input, a table or
  /// view of the session, what `inputs.resolve` finds. The query is bound here: a wrong column
  /// throws InvalidInput now.
  DataFrame Sql(const std::string& query, const SqlInputs& inputs = {});

  /// Like Sql, over the partitions of the inputs. With MergeMode::kAuto the answer is that of Sql.
  /// With kConcat the query is run on partition i of every repartitioned input, together with the
  /// others whole, for every i, and the results stand one after the other; inputs with different
  /// numbers of partitions are then an error. Empty: the session's default.
  DataFrame PartialSql(const std::string& query, const SqlInputs& inputs = {},
                       std::optional<MergeMode> merge = {});

  /// Runs statements that set up the session: SET, USE, CREATE TABLE, VIEW, MACRO, TYPE or SECRET,
  /// ATTACH, LOAD, INSERT and the like. Later queries of this session see them. Names of tables
  /// mean what they mean in Sql. Throws Unsupported for queries, transactions and COPY … TO, and
  /// Cancelled where the ticker says so: statements that have ended by then stay in force.
  void Execute(const std::string& sql, const SqlInputs& inputs = {});

  /// Forgets the session; its copies are closed too. Its frames stay usable for as long as they
  /// live, and calls that other threads are in come to their end.
  void Close();

 private:
  struct Slot;  // src/session/session.cc

  friend struct Internals;  // src/session/internals.h
  explicit Session(std::shared_ptr<Slot> slot);
  std::shared_ptr<SessionState> State() const;
  DataFrame RunSql(const std::string& query, const SqlInputs& inputs,
                   std::optional<MergeMode> merge);

  std::shared_ptr<Slot> slot_;  // Shared by copies.
};

}  // namespace smallpond
