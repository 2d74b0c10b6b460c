#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smallpond {

/// "a, b, c".
std::string Join(const std::vector<std::string>& parts, std::string_view between = ", ");

/// In lower case, of ASCII letters.
std::string Lower(std::string_view text);

}  // namespace smallpond
