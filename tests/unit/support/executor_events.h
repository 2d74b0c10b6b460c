#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "task/executor.h"

namespace smallpond {

constexpr auto kEventsTimeout = std::chrono::seconds(60);

/// Waits for the next event that `wanted` accepts. The others are dropped.
inline TaskEvent NextEvent(Executor& executor,
                           const std::function<bool(const TaskEvent&)>& wanted) {
  auto deadline = std::chrono::steady_clock::now() + kEventsTimeout;
  while (std::chrono::steady_clock::now() < deadline) {
    for (TaskEvent& event : executor.Wait(1000)) {
      if (wanted(event)) return std::move(event);
    }
  }
  ADD_FAILURE() << "the event did not come";
  return {};
}

inline bool IsEnd(const TaskEvent& event) { return event.kind != TaskEvent::Kind::kHeartbeat; }

/// Waits until `count` attempts have ended, and returns their events by id. An attempt that ends
/// twice is a failure.
inline std::map<TaskId, TaskEvent> Ends(Executor& executor, size_t count) {
  std::map<TaskId, TaskEvent> ends;
  auto deadline = std::chrono::steady_clock::now() + kEventsTimeout;
  while (ends.size() < count && std::chrono::steady_clock::now() < deadline) {
    for (TaskEvent& event : executor.Wait(1000)) {
      if (!IsEnd(event)) continue;
      TaskId id = event.id;
      EXPECT_TRUE(ends.emplace(id, std::move(event)).second)
          << "task " << id.task << "." << id.attempt << " ended twice";
    }
  }
  EXPECT_EQ(ends.size(), count);
  return ends;
}

/// Runs one attempt to its end.
inline TaskEvent RunOne(Executor& executor, const std::string& spec) {
  executor.Submit({{{9, 9, 9}, spec}});
  return Ends(executor, 1)[TaskId{9, 9, 9}];
}

/// Attempts of stage 0, with these specs.
inline std::vector<TaskLaunch> Launches(const std::vector<std::string>& specs) {
  std::vector<TaskLaunch> launches;
  for (const auto& spec : specs)
    launches.push_back({{0, static_cast<int>(launches.size()), 0}, spec});
  return launches;
}

/// Whether a process is gone, or only its parent has yet to notice.
inline bool IsGone(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat((std::istreambuf_iterator<char>(file)), {});
  size_t name_end = stat.rfind(')');
  return name_end == std::string::npos || stat.substr(name_end + 2, 1) == "Z";
}

/// Waits for a condition that nothing tells of.
inline bool ComesTrue(const std::function<bool()>& condition) {
  auto deadline = std::chrono::steady_clock::now() + kEventsTimeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace smallpond
