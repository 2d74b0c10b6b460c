#pragma once

#include <cstdint>
#include <string>

namespace smallpond {

/// Bytes of memory that this process may use: the machine's memory, or the smallest limit of the
/// control groups that it is in, version 1 or 2 (a container's limit). `root` is the file system to
/// look in; tests give another.
uint64_t UsableMemoryBytes(const std::string& root = "/");

/// The part of that which DuckDB takes where nobody says how much: 80%. The rest is for what its
/// limit does not count, such as rows in other formats and the interpreter.
uint64_t DefaultMemoryBudgetBytes();

/// Processors that this process may use: its affinity mask, or the control group's CPU quota,
/// rounded up; at least 1.
int UsableCpus(const std::string& root = "/");

}  // namespace smallpond
