#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "smallpond/error.h"

namespace smallpond {

/// Decides whether an action runs again whose input folders got new versions meanwhile. Small
/// folders can be replaced many times a second, for which a few runs are too few and some seconds
/// are plenty; large ones take longer than that each time. Files that are missing from one run to
/// the next were not replaced: somebody removed them from under their folder. For one thread.
class RunLimit {
 public:
  explicit RunLimit(bool can_run_again = true) : can_run_again_(can_run_again) {}

  /// Says so after a run that failed. `removed` are files that it found, and then missed.
  bool AllowsAnother(std::vector<std::string> removed) {
    were_replaced_ = !removed.empty() && removed != removed_;
    removed_ = std::move(removed);
    auto seconds = std::chrono::steady_clock::now() - start_;
    bool is_early = seconds < std::chrono::seconds(kMaxRunAgainSeconds);
    return can_run_again_ && (++runs_ < kMaxRuns || (were_replaced_ && is_early));
  }

  /// Returns what to say after the last run, which failed with `error`.
  Error Refusal(const Error& error) const {
    if (!were_replaced_) return error;
    return Error(ErrorKind::kIo,
                 "The files are replaced faster than they can be read. Run this again later.");
  }

 private:
  bool can_run_again_;
  int runs_ = 0;
  bool were_replaced_ = false;
  std::vector<std::string> removed_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace smallpond
