#pragma once

#include <optional>
#include <string>
#include <vector>

#include "duckdb_adapter/cut/cut_query.h"
#include "planner/scan_division.h"
#include "storage/input/splits.h"
#include "task/file_output.h"
#include "task/input_list.h"
#include "task/scan_list.h"
#include "task/stage_graph.h"
#include "task/task_spec.h"

namespace smallpond {

/// A query in stages: the graph that a scheduler runs, and what its tasks need beside.
struct StagePlan {
  /// What belongs to one stage of the graph.
  struct Work {
    std::string fragment;               ///< The plan that its tasks run, as bytes.
    std::vector<FragmentInput> inputs;  ///< In the order of the stage's inputs in the graph.
    std::vector<TaskScans> scans;       ///< One for each task, or none.
  };

  /// What people are told of one stage.
  struct Notes {
    std::vector<FragmentOperator> operators;
    std::vector<std::string> gathered;  ///< What its task does though the input is spread, and why.
  };

  /// Rows that this process is to write as those of a given stage, which has one task.
  struct Given {
    int stage = 0;
    Statement rows;  ///< With the keys of the stage's output.
  };

  StageGraph graph;
  std::vector<Given> given;
  std::optional<FileOutput> files;  ///< What the last stage writes instead of its exchange.
  std::vector<Work> work;           ///< By stage.
  std::vector<Notes> notes;         ///< By stage.
  std::string result;               ///< The plan that reads the result, as bytes.
  int result_input = 0;             ///< The id of its one input: the last stage's output.
  std::vector<std::string> columns;
};

/// What decides how many tasks there are.
struct StageOptions {
  int slots = 1;           ///< Tasks that are expected to run at a time.
  SplitTarget split = {};  ///< Of what is read from files.
  double broadcast_bytes = 64e6;
  double partition_bytes = 256e6;  ///< Aim for one partition of an exchange.
  int partitions = 0;              ///< Of every exchange by hash; 0: by the bytes.
  double whole_bytes = 0;          ///< Queries that read no more than this are not cut.
  /// Tasks of a stage times the partitions that a user asked for: each has a place in the files
  /// between them.
  double max_pieces = 100e6;
};

/// Plans the stages of one job. One thread uses a planner.
class StagePlanner {
 public:
  /// `connect` opens another connection with the same settings, for footers of files: `connection`
  /// is in the middle of planning when they are read. Both must outlive the planner.
  StagePlanner(Connection& connection, const ScanDivision::Connect& connect, StageOptions options);

  /// Cuts what the last query reads. Its methods throw as they say.
  QueryCutter& cutter() { return cutter_; }

  /// Adds rows that only this process has, which it is to write before the job begins. Returns the
  /// fragment.
  int AddGiven(const Statement& rows, int64_t num_rows, uint64_t bytes);

  /// Cuts the last query and divides the work of all among tasks. With `files` the last stage
  /// writes its rows there. Throws as QueryCutter does; Unsupported where all that is read is so
  /// small that one DuckDB is sooner done with it; InvalidInput where there would be more than
  /// `max_pieces`.
  StagePlan Finish(const Statement& query, std::optional<FileOutput> files = std::nullopt);
  /// The same for a query that is run on each partition.
  StagePlan FinishPerPartition(const Statement& query,
                               std::optional<FileOutput> files = std::nullopt);

 private:
  StagePlan Divide(CutQuery cut, std::optional<FileOutput> files);

  const StageOptions options_;
  ScanDivision scans_;
  QueryCutter cutter_;
  uint64_t given_bytes_ = 0;  // Of AddGiven.
};

/// Returns what the tasks of a stage read from other stages, whose outputs have these versions, in
/// the order of the stage's inputs.
InputList InputListOf(const StagePlan& plan, int stage, const std::vector<int>& input_versions);

/// Returns what one attempt is to do. `inputs_version` is that of the stage's list of inputs; -1
/// where it has none.
TaskSpec SpecOf(const StagePlan& plan, TaskId id, int inputs_version, const std::string& job_folder,
                const FolderAccess& access = {});

}  // namespace smallpond
