#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "duckdb_adapter/arrow/arrow_source.h"
#include "plan/logical_plan.h"

namespace smallpond {

/// Results of actions that are small enough to be kept, so that `to_pandas()` and then
/// `write_parquet()` compute a frame once and agree. A result is kept as long as its frame lives
/// and its files are as they were. Any thread may use the cache.
class ResultCache {
 public:
  struct Entry {
    std::weak_ptr<const LogicalPlan> plan;
    std::shared_ptr<const ArrowSource> rows;  // Shared with the statements that read it.
    std::vector<FileIdentity> files;          // All that the plan reads, as they were.
    uint64_t bytes = 0;
  };

  std::optional<Entry> Find(const PlanRef& plan);
  /// Counts the calls of Clear. Asked for before a query is bound.
  uint64_t generation();
  /// Keeps an entry, and drops the oldest ones beyond kResultCacheBytes in all. Keeps
  /// nothing where Clear was called since `generation` was asked for: the rows may be those that
  /// the query meant before.
  void Add(Entry entry, uint64_t generation);
  void Clear();

 private:
  std::mutex mutex_;  // Guards the rest.
  uint64_t generation_ = 0;
  std::list<Entry> entries_;
};

/// Whether the rows of `plan` depend on nothing but the files that its ReadFiles and its Arrow
/// sources name, so that a kept result stays right.
bool CanBeKept(const LogicalPlan& plan);

}  // namespace smallpond
