#pragma once

#include <string>

namespace smallpond {

/// Names content: 32 hexadecimal digits of its 128-bit XXH3 hash. Not for secrets.
std::string ContentHash(const std::string& bytes);

}  // namespace smallpond
