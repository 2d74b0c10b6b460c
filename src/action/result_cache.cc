#include "action/result_cache.h"

#include "base/limits.h"

namespace smallpond {

std::optional<ResultCache::Entry> ResultCache::Find(const PlanRef& plan) {
  std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) {
    if (entry.plan.lock() == plan) return entry;
  }
  return std::nullopt;
}

uint64_t ResultCache::generation() {
  std::lock_guard lock(mutex_);
  return generation_;
}

void ResultCache::Add(Entry entry, uint64_t generation) {
  std::lock_guard lock(mutex_);
  if (generation != generation_) return;
  auto plan = entry.plan.lock();
  entries_.remove_if(
      [&](const Entry& other) { return other.plan.expired() || other.plan.lock() == plan; });
  entries_.push_back(std::move(entry));
  uint64_t bytes = 0;
  for (const auto& kept : entries_) bytes += kept.bytes;
  while (bytes > kResultCacheBytes) {
    bytes -= entries_.front().bytes;
    entries_.pop_front();
  }
}

void ResultCache::Clear() {
  std::lock_guard lock(mutex_);
  ++generation_;
  entries_.clear();
}

bool CanBeKept(const LogicalPlan& plan) {
  const auto* query = std::get_if<SqlQuery>(&plan.op());
  if (query && query->reads_elsewhere) return false;
  for (const auto& input : plan.Inputs()) {
    if (!CanBeKept(*input)) return false;
  }
  return true;
}

}  // namespace smallpond
