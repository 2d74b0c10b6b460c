#pragma once

#include <functional>
#include <memory>

#include "duckdb_adapter/connection/connection.h"

struct ArrowArrayStream;

namespace smallpond {

/// What a stream calls; it owns them, so that they can hold what the query reads from.
struct StreamCalls {
  std::function<void()> at_end;                ///< After the last row; may throw ours.
  std::function<Error(const Error&)> explain;  ///< Turns the query's error into the reader's.
};

/// Runs a query and hands out its rows as they are computed, with bounded memory. The stream owns
/// the connection.
void StreamQuery(std::shared_ptr<Connection> connection, Statement query, StreamCalls calls,
                 ArrowArrayStream* out);

}  // namespace smallpond
