#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smallpond/api.h"
#include "smallpond/value.h"

namespace smallpond {

/// How `partial_sql` puts the partitions' rows together.
enum class MergeMode {
  kAuto,    ///< The answer of `sql()` over all partitions: groups, orders and limits are merged.
  kConcat,  ///< Each partition's own result, one after the other, as smallpond 0.15 does.
};

/// Which road a session takes. All give the same answers.
enum class ExecutorKind {
  kDirect,     ///< One DuckDB query in this process.
  kThreads,    ///< Cut into stages, whose tasks are threads of this process.
  kProcesses,  ///< Cut into stages, whose tasks run in worker processes of this machine.
  kRay,        ///< Cut into stages, whose tasks run on the nodes of a Ray cluster.
};

/// Settings of a session. A default-constructed value gives this process, all its cores and 80% of
/// the memory that it may use; larger data spills to `temp_dir`.
struct SMALLPOND_API Options {
  /// Reads the SP_* environment variables: SP_JOBID, SP_JOB_NAME, SP_JOB_TIME, SP_DATA_ROOT,
  /// SP_DATA_DIR, SP_TEMP_DIR, SP_NUM_EXECUTORS, SP_NUM_NODES, SP_RAY_ADDRESS, SP_BIND_NUMA_NODE,
  /// SP_MEMORY_ALLOCATOR, SP_PLATFORM, SP_EXECUTOR, SP_THREADS, SP_DUCKDB_MEMORY,
  /// SP_PARTITION_SIZE, SP_PARTITIONS, SP_BROADCAST_SIZE, SP_WHOLE_SIZE, SP_MAX_EXCHANGE_BYTES,
  /// SP_MERGE. What a caller sets afterwards beats them. Throws InvalidInput that names the
  /// variable and its value where it can't be read.
  static Options FromEnvironment();

  /// Sets one option from its name as the Python argument spells it and a text, for example
  /// ("threads", "4"). Throws InvalidInput for an unknown name (it names the nearest) and for a
  /// value that can't be read.
  void Set(const std::string& name, const std::string& value);

  // --- the job ---
  std::string job_id;    ///< Unique id. Empty: a random UUID.
  std::string job_name;  ///< For people. Empty: the program's name.
  std::string job_time;  ///< Creation time, ISO 8601 or seconds since 1970. Empty: now.

  // --- where things are ---
  /// Relative paths of read_* and write_* start here. Empty: the current folder.
  std::string data_dir;
  /// Folder for what a job needs while it runs. Empty: ~/.smallpond/data, made when needed.
  std::string data_root;
  /// Where to spill: to a folder of the session's own in it, which only this account may enter.
  /// Empty: <data_root>/temp if data_root is set, else $TMPDIR or /tmp. In an open session it is
  /// that own folder; empty where $TMPDIR or /tmp can't be written to: nothing spills then. What a
  /// killed process left there goes when another session opens.
  std::string temp_dir;

  // --- how much of this machine ---
  /// DuckDB's limit. Empty: 80% of what the container may use.
  std::optional<uint64_t> duckdb_memory_bytes;
  std::optional<int> threads;  ///< DuckDB's threads. Empty: every core that the process may use.

  // --- how work is cut ---
  /// Aim for one split of a file, when work is cut into tasks.
  uint64_t partition_size_bytes = 256'000'000;
  std::optional<int> partitions;       ///< Fixed number of splits. Empty: by partition_size_bytes.
  MergeMode merge = MergeMode::kAuto;  ///< Default of partial_sql's `merge`.

  // --- cluster ---
  std::optional<ExecutorKind> executor;  ///< Empty: ray with a ray_address, else direct.
  int num_nodes = 1;                     ///< More than one needs a cluster.
  /// Workers of executor=processes; 0 is one. smallpond 0.15's word for worker nodes.
  int num_executors = 0;
  std::string ray_address;  ///< Of a running Ray cluster, "HOST:6379" or "auto".
  /// A join's side estimated to be at most this large goes to every task instead of being shuffled.
  uint64_t broadcast_size_bytes = 64'000'000;
  /// Queries that read at most this much run whole in this process, whatever the executor: one
  /// DuckDB is done with it sooner than stages are. Empty: 500 MB, or a quarter of this process's
  /// memory limit where that is less; 0 where `partitions` asks for pieces.
  std::optional<uint64_t> whole_size_bytes;
  /// Most bytes of files between stages that are kept of jobs that failed or whose process died,
  /// all of one `data_root` together, for at most 7 days; the oldest go first. Empty: 10% of the
  /// disk.
  std::optional<uint64_t> max_exchange_bytes;
  /// The command that starts a worker process. Empty: `smallpond worker`, found on the PATH.
  std::vector<std::string> worker_command;
  std::string platform;          ///< smallpond 0.15's way to start executors; unused without any.
  std::string memory_allocator;  ///< "system", "jemalloc" or "mimalloc"; only for worker processes.
  bool bind_numa_node = false;   ///< Only for worker processes.
  bool remove_output_root = true;  ///< Kept for smallpond 0.15; nothing is left behind either way.

  // --- limits ---
  /// The default of whole_size_bytes: what one DuckDB is done with in a second or two, a few times
  /// what stages cost by themselves.
  static constexpr uint64_t kWholeSizeBytes = 500'000'000;
  static constexpr int kMaxPartitions = 65'536;  ///< Most partitions of one repartition.
};

/// How `Repartition` spreads rows. Set at most one of `hash_by`, `by` and `by_rows`; none gives an
/// even spread.
struct RepartitionOptions {
  /// Equal values of these columns meet in one partition; so do NULLs.
  std::vector<std::string> hash_by = {};
  std::string by = {};   ///< This column holds the partition's number, 0 to n-1.
  bool by_rows = false;  ///< Runs of neighbouring rows, of equal length to within one.
};

/// What a write does with what stands in the folder already.
enum class WriteMode {
  kOverwrite,  ///< Replaces what smallpond wrote there before.
  kAppend,     ///< Adds to it.
  kError,      ///< Refuses to write where there is data.
  kIgnore,     ///< Writes nothing where there is data.
};

/// How to write files.
struct WriteOptions {
  WriteMode mode = WriteMode::kOverwrite;
  /// Columns whose values become folders, key=value. The files then lack them.
  std::vector<std::string> partition_by = {};
  /// Parquet: "snappy", "zstd", "lz4", "gzip", "brotli", "uncompressed". CSV and JSON: "gzip",
  /// "zstd", "uncompressed". Empty: snappy for Parquet, none for the others.
  std::string compression = {};
  /// Rows of a Parquet row group. Empty: DuckDB's 122,880.
  std::optional<int64_t> row_group_size = {};
  /// Begin another file when one has about this many bytes. Empty: one file a partition.
  std::optional<uint64_t> file_size_bytes = {};
  /// Sort the rows of each partition by these columns, such as {"day", "amount DESC"}.
  std::vector<std::string> sort_by = {};
  /// Further options of the format, by name in any letter case; docs/writing.md lists them.
  std::vector<std::pair<std::string, Value>> further = {};
};

/// What a write did.
struct WriteResult {
  std::string path = {};  ///< Absolute: the folder, or the one file.
  bool is_folder = true;  ///< Whether `path` is a folder of files.
  int64_t num_files = 0;  ///< 0 where WriteMode::kIgnore left everything as it was.
  int64_t num_rows = 0;   ///< That this write added.
  uint64_t num_bytes = 0;
  /// How long files of the earlier and this version stood side by side for programs that list the
  /// folder themselves. smallpond's own readers see one version always.
  double publish_seconds = 0;
  /// Empty, or why the files do not have their final names yet. The write is committed all the
  /// same: smallpond's own readers see it, and the next write to the folder gives the files their
  /// names.
  std::string publish_error = {};
};

/// What `Explain` tells, and how.
struct ExplainOptions {
  /// Computes the frame, without handing out its rows, and adds what was done: rows, bytes, time,
  /// memory.
  bool analyze = false;
  /// Tells it as one JSON object instead of text; docs/explain.md has its keys.
  bool json = false;
};

/// The kind's name as the Python argument spells it, for example "direct".
SMALLPOND_API std::string ExecutorKindName(ExecutorKind kind);

/// Reads "overwrite", "append", "error" or "ignore". Throws InvalidInput.
SMALLPOND_API WriteMode ParseWriteMode(const std::string& text);

/// Parses "8GB", "512 MiB", "1.5e9" or a number of bytes. kB, MB, GB, TB are powers of 1000; KiB,
/// MiB, GiB, TiB of 1024. Throws InvalidInput that names `what` and the text.
SMALLPOND_API uint64_t ParseBytes(const std::string& text, const std::string& what);

}  // namespace smallpond
