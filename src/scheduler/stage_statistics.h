#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/job_event.h"

namespace smallpond {

/// The smallest, middle and largest value over a stage's tasks. Far apart they are skew.
struct Spread {
  uint64_t min = 0;
  uint64_t median = 0;
  uint64_t max = 0;
};

/// A stage in numbers, over those of its tasks that have ended well.
struct StageSummary {
  int tasks = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  int64_t wall_ms = 0;  ///< Of all tasks together.
  int64_t cpu_ms = 0;
  uint64_t peak_memory_bytes = 0;  ///< Of the task that needed most.
  uint64_t spilled_bytes = 0;
  Spread rows_per_task;
  Spread bytes_per_task;
  Spread wall_ms_per_task;
};

/// What a stage's tasks reported: a few numbers a task, and sums a partition. Never a number for
/// each task and partition, which would be 150 million pairs for 150,000 tasks and 1,000
/// partitions.
class StageStatistics {
 public:
  StageStatistics(int num_tasks, int num_partitions);

  /// Takes the result of a task, in place of an earlier one of it.
  void Set(int task, const TaskResult& result);
  /// Forgets the partitions' sums: all tasks will run again on other inputs.
  void ResetPartitions();

  uint64_t rows() const { return rows_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t rows(int task) const { return tasks_[static_cast<size_t>(task)].rows; }
  uint64_t bytes(int task) const { return tasks_[static_cast<size_t>(task)].bytes; }
  /// Rows and bytes of each partition, over the tasks that have reported. Null where a task ran
  /// again and has other numbers of rows now, until all run again: what it had first is not kept.
  /// The bytes are those of its first file, which the same rows need not take up again.
  const std::vector<PartitionSize>* partitions() const {
    return num_changed_ == 0 ? &partitions_ : nullptr;
  }

  StageSummary Summarize() const;

 private:
  struct TaskNumbers {
    uint64_t rows = 0;
    uint64_t bytes = 0;
    uint64_t wall_ms = 0;
    uint64_t cpu_ms = 0;
    uint64_t peak_memory_bytes = 0;
    uint64_t spilled_bytes = 0;
    bool reported = false;
    bool counted = false;       // In the partitions' sums.
    uint64_t counted_rows = 0;  // Hash of those of its partitions that were counted.
    bool changed = false;       // Since it was counted.
  };

  std::vector<TaskNumbers> tasks_;
  std::vector<PartitionSize> partitions_;
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
  int num_changed_ = 0;
};

}  // namespace smallpond
