#include "scheduler/stage_state.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace smallpond {

StageState::StageState(const Stage& stage)
    : statistics(stage.num_tasks, stage.output.num_partitions),
      tasks_(static_cast<size_t>(stage.num_tasks)) {
  EnqueueAll();
}

void StageState::SetGiven(uint64_t file_id) {
  for (TaskState& task : tasks_) {
    task.chosen = 0;
    task.file_id = file_id;
    task.next_attempt = 1;
    task.has_content = true;
  }
  num_done = num_content = num_tasks();
}

void StageState::Enqueue(int index) {
  if (task(index).queued) return;
  task(index).queued = true;
  queue_.push_back(index);
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void StageState::EnqueueAll() {
  queue_.resize(tasks_.size());
  std::iota(queue_.begin(), queue_.end(), 0);  // Sorted, which is a heap.
  for (TaskState& task : tasks_) task.queued = true;
}

int StageState::PopWaiting() {
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    int index = queue_.back();
    queue_.pop_back();
    task(index).queued = false;
    if (!task(index).done() && task(index).running == 0) return index;
  }
  return -1;
}

std::vector<int> StageState::ChosenAttempts() const {
  std::vector<int> attempts;
  attempts.reserve(tasks_.size());
  for (const TaskState& task : tasks_) attempts.push_back(task.chosen);
  return attempts;
}

}  // namespace smallpond
