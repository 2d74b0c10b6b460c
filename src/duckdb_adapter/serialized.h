#pragma once

#include <functional>
#include <string>

#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {

/// Returns what `write` hands to DuckDB's serializer, as bytes.
std::string ToBytes(const std::function<void(duckdb::Serializer&)>& write);

/// Lets `read` take the same out of the bytes again, in the same order.
void FromBytes(const std::string& bytes, const std::function<void(duckdb::Deserializer&)>& read);

}  // namespace smallpond
