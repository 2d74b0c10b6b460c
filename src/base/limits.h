#pragma once

#include <cstdint>

namespace smallpond {

// What bounds waits and buffers and is no option of a user. A job's: scheduler/job_limits.h.

/// Rows of one Arrow batch; DuckDB's row group.
inline constexpr int64_t kArrowBatchRows = 122'880;
/// Results of actions that a session keeps, in all; a larger one is computed again.
inline constexpr uint64_t kResultCacheBytes = 64'000'000;
/// How often a waiting caller looks for a cancel.
inline constexpr int kTickIntervalMs = 50;
/// How long a session that ends for good waits for the job that it cancelled.
inline constexpr int kStopTimeoutMs = 10'000;
/// Runs of an action whose input folders get new versions: so many, and more for some seconds.
inline constexpr int kMaxRuns = 5;
inline constexpr int kMaxRunAgainSeconds = 10;

}  // namespace smallpond
