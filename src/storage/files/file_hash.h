#pragma once

#include <string>

namespace smallpond {

/// Reads a file and returns its content's hash, as ContentHash gives it. Throws Io.
std::string HashFile(const std::string& path);

}  // namespace smallpond
