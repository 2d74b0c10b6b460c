#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "duckdb_adapter/analysis/partition_analysis.h"
#include "duckdb_adapter/sql/schema.h"
#include "duckdb_adapter/sql/statement.h"
#include "plan/file_scan.h"
#include "smallpond/options.h"

namespace smallpond {

class ArrowSource;
class LogicalPlan;
using PlanRef = std::shared_ptr<const LogicalPlan>;  // Shared by frames and by the plans above.

/// Rows of files.
struct ReadFiles {
  FileScan scan;
  /// As they were when the frame was made and its columns were found out.
  std::vector<FileIdentity> files;
  /// For people, for example "read_parquet(events/*.parquet)".
  std::string description;
  /// What its folders held beside the files then and is not read.
  std::vector<std::string> unread;
};

/// Rows of a table in memory.
struct ReadArrow {
  std::shared_ptr<const ArrowSource> source;  // Shared by all plans that read it.
  std::string description;
};

/// What `partial_sql` and `sql` asked for, and what was found out about it.
struct SqlQuery {
  enum class Mode {
    kGlobal,        ///< sql()
    kPartial,       ///< partial_sql(): the answer of sql()
    kConcatenated,  ///< partial_sql(merge="concat"): each partition's own result
  };

  explicit SqlQuery(Statement parsed) : query(std::move(parsed)) {}

  /// With parameters bound; inputs are still names.
  Statement query;
  /// By the table name that stands in `query`.
  std::map<std::string, PlanRef> inputs;
  /// As the caller wrote it.
  std::string text;
  Mode mode = Mode::kGlobal;
  /// Whether the partitions' results, one after the other, are the global answer.
  bool per_partition = false;
  /// Whether the rows come in an order that was asked for.
  bool ordered = false;
  /// Whether it reads more than its inputs: files by name, tables of the session.
  bool reads_elsewhere = true;
  /// How large the files were together that it reads by name, when it was bound. Nothing where that
  /// is not known, nobody asked, or it reads tables of the session.
  std::optional<double> file_bytes;
  /// Whether two runs, inputs included, give the same rows, to the last digit.
  bool deterministic = true;
  /// Where not per_partition: the construct that sees rows of several partitions.
  std::string merged_because;
};

/// The same rows, spread anew.
struct Repartition {
  enum class Way { kEven, kRows, kHash, kColumn };

  PlanRef input;
  Way way = Way::kEven;
  /// Positions of the hashed columns, or of the column with the partition's number.
  std::vector<int> columns;
};

/// One step of a frame, with the steps below it. Never changes after construction; any thread may
/// read it.
class LogicalPlan {
 public:
  using Operator = std::variant<ReadFiles, ReadArrow, SqlQuery, Repartition>;

  LogicalPlan(Operator op, Schema schema, Partitioning partitioning)
      : op_(std::move(op)), schema_(std::move(schema)), partitioning_(std::move(partitioning)) {}

  const Operator& op() const { return op_; }
  const Schema& schema() const { return schema_; }
  const Partitioning& partitioning() const { return partitioning_; }

  /// Whether the rows come in an order that was asked for.
  bool ordered() const;
  /// Whether computing it twice gives the same rows.
  bool deterministic() const;
  /// The plans that this one reads, each once.
  std::vector<PlanRef> Inputs() const;
  /// One line for people, for example "repartition(10, hash_by=user_id)".
  std::string Describe() const;

 private:
  Operator op_;
  Schema schema_;
  Partitioning partitioning_;
};

/// Makes a plan that spreads the rows of `input`. Throws InvalidInput as DataFrame::Repartition
/// says.
PlanRef PlanRepartition(const PlanRef& input, int num_partitions,
                        const RepartitionOptions& options);

}  // namespace smallpond
