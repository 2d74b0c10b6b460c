#include "observe/amounts.h"

#include <cstdio>

namespace smallpond {

std::string NumberText(uint64_t number) {
  std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string CountText(uint64_t number, const std::string& what) {
  return NumberText(number) + " " + what + (number == 1 ? "" : "s");
}

std::string BytesText(uint64_t bytes) {
  const char* unit = "bytes";
  auto number = static_cast<double>(bytes);
  for (const char* larger : {"kB", "MB", "GB", "TB"}) {
    if (number < 1000) break;
    number /= 1000;
    unit = larger;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %s", bytes >= 1000 && number < 10 ? 1 : 0, number, unit);
  return text;
}

std::string TimeText(int64_t ms) {
  if (ms < 1000) return std::to_string(ms) + " ms";
  char text[32];
  double seconds = static_cast<double>(ms) / 1000;
  std::snprintf(text, sizeof text, "%.*f s", seconds < 100 ? 1 : 0, seconds);
  return text;
}

}  // namespace smallpond
