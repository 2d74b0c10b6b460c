#pragma once

#include <compare>

namespace smallpond {

/// One try at one task of one stage. The first attempt is 0.
struct TaskId {
  int stage = 0;
  int task = 0;
  int attempt = 0;
  int job = 0;  ///< Of those that share an executor. 0 inside of one job, which knows no other.

  auto operator<=>(const TaskId&) const = default;
};

}  // namespace smallpond
