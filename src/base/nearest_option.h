#pragma once

#include <string>
#include <vector>

namespace smallpond {

/// Returns the one of `options`, those that a caller may set, that `name`, which is none, most
/// likely means, such as "duckdb_memory" for "memory_limit". Empty where none is near.
std::string NearestOption(const std::string& name, const std::vector<std::string>& options);

}  // namespace smallpond
