#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/cut/cut_query.h"
#include "planner/scan_division.h"
#include "storage/input/splits.h"
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
    ExchangeOutput output;
  };

  /// What people are told of one stage.
  struct Notes {
    std::vector<FragmentOperator> operators;
    std::vector<std::string> gathered;  ///< What its task does though the input is spread, and why.
  };

  StageGraph graph;
  std::vector<Work> work;    ///< By stage.
  std::vector<Notes> notes;  ///< By stage.
  std::string result;        ///< The plan that reads the result, as bytes.
  int result_input = 0;      ///< The id of its one input: the last stage's output.
  std::vector<std::string> columns;
};

/// What decides how many tasks there are.
struct StageOptions {
  int slots = 1;           ///< Tasks that are expected to run at a time.
  SplitTarget split = {};  ///< Of what is read from files.
  double broadcast_bytes = 64e6;
  double partition_bytes = 256e6;  ///< Aim for one partition of an exchange.
  int partitions = 0;              ///< Of every exchange by hash; 0: by the bytes.
};

/// Cuts a query into stages (see CutIntoFragments) and divides their work among tasks. `connect`
/// opens another connection with the same settings, for footers of files: `connection` is in the
/// middle of planning when they are read.
StagePlan PlanStages(Connection& connection, const ScanDivision::Connect& connect,
                     const Statement& query, const StageOptions& options);

/// Returns what the tasks of a stage read from other stages, whose outputs have these versions, in
/// the order of the stage's inputs.
InputList InputListOf(const StagePlan& plan, int stage, const std::vector<int>& input_versions);

/// Returns what one attempt is to do. `inputs_version` is that of the stage's list of inputs; -1
/// where it has none.
TaskSpec SpecOf(const StagePlan& plan, TaskId id, int inputs_version,
                const std::string& job_folder);

}  // namespace smallpond
