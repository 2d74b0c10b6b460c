#pragma once

#include <cstdint>
#include <optional>

struct ArrowArray;
struct ArrowSchema;

namespace smallpond {

/// Returns about how many bytes the buffers of an Arrow array hold, or nothing for a type that is
/// not known here.
std::optional<uint64_t> ArrowBytes(const ArrowSchema& schema, const ArrowArray& array);

}  // namespace smallpond
