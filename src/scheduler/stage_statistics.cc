#include "scheduler/stage_statistics.h"

#include <algorithm>

namespace smallpond {
namespace {

Spread SpreadOf(std::vector<uint64_t> values) {
  if (values.empty()) return {};
  auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return {*std::min_element(values.begin(), values.end()), *middle,
          *std::max_element(values.begin(), values.end())};
}

// By the finalizer of MurmurHash3, number after number.
uint64_t HashOfRows(const std::vector<PartitionSize>& partitions) {
  uint64_t hash = partitions.size();
  for (const PartitionSize& partition : partitions) {
    hash = (hash ^ partition.rows) * 0xff51afd7ed558ccd;
    hash ^= hash >> 33;
  }
  return hash;
}

}  // namespace

StageStatistics::StageStatistics(int num_tasks, int num_partitions)
    : tasks_(static_cast<size_t>(num_tasks)), partitions_(static_cast<size_t>(num_partitions)) {}

void StageStatistics::Set(int task, const TaskResult& result) {
  TaskNumbers& numbers = tasks_[static_cast<size_t>(task)];
  rows_ += result.rows - numbers.rows;
  bytes_ += result.bytes - numbers.bytes;
  numbers.rows = result.rows;
  numbers.bytes = result.bytes;
  numbers.wall_ms = static_cast<uint64_t>(std::max<int64_t>(result.wall_ms, 0));
  numbers.cpu_ms = static_cast<uint64_t>(std::max<int64_t>(result.cpu_ms, 0));
  numbers.peak_memory_bytes = result.peak_memory_bytes;
  numbers.spilled_bytes = result.spilled_bytes;
  numbers.reported = true;
  const uint64_t rows = HashOfRows(result.partitions);
  if (numbers.counted) {
    num_changed_ -= numbers.changed;
    numbers.changed = rows != numbers.counted_rows;
    num_changed_ += numbers.changed;
    return;
  }
  numbers.counted = true;
  numbers.counted_rows = rows;
  size_t n = std::min(partitions_.size(), result.partitions.size());
  for (size_t i = 0; i < n; ++i) {
    partitions_[i].rows += result.partitions[i].rows;
    partitions_[i].bytes += result.partitions[i].bytes;
  }
}

void StageStatistics::ResetPartitions() {
  std::fill(partitions_.begin(), partitions_.end(), PartitionSize{});
  for (TaskNumbers& numbers : tasks_) numbers.counted = numbers.changed = false;
  num_changed_ = 0;
}

StageSummary StageStatistics::Summarize() const {
  StageSummary summary;
  std::vector<uint64_t> rows, bytes, wall_ms;
  for (const TaskNumbers& numbers : tasks_) {
    if (!numbers.reported) continue;
    rows.push_back(numbers.rows);
    bytes.push_back(numbers.bytes);
    wall_ms.push_back(numbers.wall_ms);
    summary.wall_ms += static_cast<int64_t>(numbers.wall_ms);
    summary.cpu_ms += static_cast<int64_t>(numbers.cpu_ms);
    summary.peak_memory_bytes = std::max(summary.peak_memory_bytes, numbers.peak_memory_bytes);
    summary.spilled_bytes += numbers.spilled_bytes;
  }
  summary.tasks = static_cast<int>(rows.size());
  summary.rows = rows_;
  summary.bytes = bytes_;
  summary.rows_per_task = SpreadOf(std::move(rows));
  summary.bytes_per_task = SpreadOf(std::move(bytes));
  summary.wall_ms_per_task = SpreadOf(std::move(wall_ms));
  return summary;
}

}  // namespace smallpond
