#pragma once

#include "smallpond/session.h"

namespace smallpond {

/// Options of a session that leaves room for the other tests of the machine, whatever SP_ variables
/// there are.
inline Options SmallOptions() {
  Options options;
  options.duckdb_memory_bytes = 512'000'000;
  options.threads = 2;
  return options;
}

}  // namespace smallpond
