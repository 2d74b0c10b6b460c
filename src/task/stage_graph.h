#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exchange/exchange_kind.h"
#include "exchange/exchange_output.h"

namespace smallpond {

/// Rows that a stage reads from another.
struct StageInput {
  int stage = 0;  ///< The producer.
  ExchangeKind kind = ExchangeKind::kGather;
  bool exclusive = false;  ///< As in FragmentInput.
};

/// One fragment of a query and the tasks that run it, each over its part of the inputs.
struct Stage {
  int id = 0;  ///< Its position in the graph.
  std::vector<StageInput> inputs;
  int num_tasks = 1;
  ExchangeOutput output;      ///< The file that each task writes.
  bool deterministic = true;  ///< Whether two attempts of a task write the same rows.
  /// Whether its files are there before the job begins, as those of attempts 0. They are never
  /// removed, and can't be made again.
  bool is_given = false;
  uint64_t given_file_id = 0;  ///< Where it is given: of its exchange file, when that is written.
  std::string fragment;        ///< The hash of the fragment's bytes, which names it.
  std::string description;     ///< What it does in a few words, for errors.
  double estimated_rows = 0;
  double estimated_bytes = 0;
};

/// A query cut into stages, producers before consumers. The last stage is the result.
struct StageGraph {
  std::vector<Stage> stages;
};

}  // namespace smallpond
