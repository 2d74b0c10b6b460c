#pragma once

#include <functional>

namespace smallpond {

/// How far a running query is.
struct Progress {
  double seconds = 0;    ///< Since the query started.
  double fraction = -1;  ///< 0 to 1, or -1 where DuckDB can't tell.
};

/// Called on the caller's own thread about every 50 ms while a query runs. Returning false stops
/// the query, which then throws Cancelled. It may throw; the query is stopped first.
using Ticker = std::function<bool(const Progress&)>;

}  // namespace smallpond
