#include "base/nearest_name.h"

#include <algorithm>
#include <numeric>

namespace smallpond {
namespace {

// Levenshtein's distance with one row of the table.
size_t EditDistance(const std::string& left, const std::string& right) {
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= right.size(); ++j) {
      size_t substitute = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substitute, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string NearestName(const std::string& name, const std::vector<std::string>& candidates) {
  std::string nearest;
  size_t best = std::string::npos;
  for (const auto& candidate : candidates) {
    size_t distance = EditDistance(name, candidate);
    if (distance * 3 <= std::max(name.size(), candidate.size()) && distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace smallpond
