#pragma once

#include <compare>

namespace smallpond {

/// One try at one task of one stage. The first attempt is 0.
struct TaskId {
  int stage = 0;
  int task = 0;
  int attempt = 0;

  auto operator<=>(const TaskId&) const = default;
};

}  // namespace smallpond
