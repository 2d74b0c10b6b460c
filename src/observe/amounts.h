#pragma once

#include <cstdint>
#include <string>

namespace smallpond {

// Amounts as people read them.

/// "1,200".
std::string NumberText(uint64_t number);
/// "1 split", "1,200 splits".
std::string CountText(uint64_t number, const std::string& what);
/// With three digits or so: "3.1 GB".
std::string BytesText(uint64_t bytes);
/// "12 ms", "3.4 s", "210 s".
std::string TimeText(int64_t ms);

}  // namespace smallpond
