#pragma once

#include <functional>

#include "duckdb_adapter/connection/connection.h"
#include "smallpond/ticker.h"

namespace smallpond {

/// Runs `work`, which uses `connection`, and meanwhile calls `ticker` on the caller's thread.
/// Without a ticker runs it right here. Throws what `work` throws, Cancelled where the ticker says
/// so, or what the ticker throws; `work` has ended by then.
void RunTicking(Connection& connection, const Ticker& ticker, const std::function<void()>& work);

}  // namespace smallpond
