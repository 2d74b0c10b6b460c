#pragma once

#include <string>

namespace smallpond {

/// Returns the option of `Options::Set` that `name`, which is none, most likely means, such as
/// "duckdb_memory" for "memory_limit". Empty where none is near.
std::string NearestOption(const std::string& name);

}  // namespace smallpond
