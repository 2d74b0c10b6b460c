#pragma once

#include <cstddef>
#include <functional>

namespace smallpond {

/// Calls `work` with 0 to count - 1, from up to kParallelCalls threads at a time, and returns when
/// all calls have returned. For waits, not for computing: each call to a shared file system is a
/// round trip, and a local one lets several wait for one flush. Throws what the first failing call
/// threw; the calls after it may not be made.
void ParallelFor(size_t count, const std::function<void(size_t)>& work);

inline constexpr size_t kParallelCalls = 8;

}  // namespace smallpond
