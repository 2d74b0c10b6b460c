#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace smallpond {

/// The lines of a job's log, each the JSON object that it is.
inline std::vector<nlohmann::json> JobLogLines(const std::string& path) {
  std::ifstream file(path);
  std::vector<nlohmann::json> lines;
  for (std::string text; std::getline(file, text);) lines.push_back(nlohmann::json::parse(text));
  return lines;
}

}  // namespace smallpond
