#include "base/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

namespace smallpond {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<double> ParseNumber(const std::string& text) {
  std::istringstream stream(text);
  double number = 0;
  if (!(stream >> number) || number <= 0) return std::nullopt;  // "max" and -1 mean no limit.
  return number;
}

// The folders of this process's control groups that may hold a limit, innermost first. A limit may
// stand on any level, and inside a container the own group is mounted as the root.
std::vector<fs::path> ControlGroupFolders(const fs::path& root, const std::string& v1_controller) {
  std::vector<fs::path> folders;
  std::ifstream file(root / "proc/self/cgroup");
  std::string line;  // "0::/path" in version 2, "5:memory:/path" in version 1
  while (std::getline(file, line)) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    bool is_v2 = controllers == ",,";
    if (!is_v2 && controllers.find("," + v1_controller + ",") == std::string::npos) continue;
    fs::path base = is_v2 ? root / "sys/fs/cgroup" : root / "sys/fs/cgroup" / v1_controller;
    for (fs::path group = fs::path(line.substr(second + 1)).relative_path();;
         group = group.parent_path()) {
      folders.push_back(base / group);
      if (group.empty()) break;
    }
  }
  return folders;
}

}  // namespace

uint64_t UsableMemoryBytes(const std::string& root) {
  double bytes =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  for (const auto& folder : ControlGroupFolders(root, "memory")) {
    for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
      auto line = FirstLine(folder / name);
      auto limit = line ? ParseNumber(*line) : std::nullopt;
      if (limit) bytes = std::min(bytes, *limit);
    }
  }
  return static_cast<uint64_t>(bytes);
}

uint64_t DefaultMemoryBudgetBytes() {
  constexpr double kShareOfMachine = 0.8;
  return static_cast<uint64_t>(static_cast<double>(UsableMemoryBytes()) * kShareOfMachine);
}

int UsableCpus(const std::string& root) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  double cpus = sched_getaffinity(0, sizeof mask, &mask) == 0
                    ? CPU_COUNT(&mask)
                    : static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  for (const auto& folder : ControlGroupFolders(root, "cpu")) {
    std::optional<double> quota, period;
    if (auto line = FirstLine(folder / "cpu.max")) {  // "200000 100000" or "max 100000"
      auto space = line->find(' ');
      quota = ParseNumber(line->substr(0, space));
      if (space != std::string::npos) period = ParseNumber(line->substr(space));
    } else if (auto quota_line = FirstLine(folder / "cpu.cfs_quota_us")) {
      quota = ParseNumber(*quota_line);
      if (auto period_line = FirstLine(folder / "cpu.cfs_period_us"))
        period = ParseNumber(*period_line);
    }
    if (quota && period) cpus = std::min(cpus, std::ceil(*quota / *period));
  }
  return std::max(1, static_cast<int>(cpus));
}

}  // namespace smallpond
