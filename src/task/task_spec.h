#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exchange/exchange_kind.h"
#include "task/task_id.h"

namespace smallpond {

/// What a worker needs to know to run one attempt. It refers to files of the job's folder for
/// everything whose size grows with the query or its data, so that it stays below kMaxSpecBytes.
struct TaskSpec {
  /// Rows that the task reads from another stage.
  struct Input {
    int id = 0;  ///< In the fragment.
    int stage = 0;
    ExchangeKind kind = ExchangeKind::kGather;
    int version = 0;  ///< Of the list of that stage's outputs.
    /// The partitions to read of each file, the last one not included.
    uint32_t partition_begin = 0;
    uint32_t partition_end = 0;
  };

  TaskId id;
  std::string job_folder;
  std::string fragment;  ///< Its hash, which is its name in the job's folder.
  std::vector<Input> inputs;
  bool has_scans = false;  ///< Whether the stage has a list of what its tasks read from files.
  int num_columns = 0;     ///< Of the output.
  int num_keys = 0;        ///< Columns behind those, hashed for the partition.
  int num_partitions = 1;
  bool ordered = false;
};

constexpr size_t kMaxSpecBytes = 4096;

/// The spec as JSON with a version. Throws Internal where it is larger than kMaxSpecBytes.
std::string FormatTaskSpec(const TaskSpec& spec);
/// Throws Internal where the text is no spec of this version.
TaskSpec ParseTaskSpec(const std::string& text);

}  // namespace smallpond
