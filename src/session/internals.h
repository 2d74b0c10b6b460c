#pragma once

#include <memory>
#include <utility>

#include "plan/logical_plan.h"
#include "session/session_state.h"
#include "smallpond/data_frame.h"
#include "smallpond/session.h"

namespace smallpond {

/// What users' sessions and frames hold, for who is on this side of the public headers.
struct Internals {
  /// Throws InvalidInput where the session is closed.
  static std::shared_ptr<SessionState> StateOf(const Session& session) { return session.State(); }
  static const std::shared_ptr<SessionState>& StateOf(const DataFrame& frame) {
    return frame.session_;
  }
  static const PlanRef& PlanOf(const DataFrame& frame) { return frame.plan_; }
  static DataFrame NewFrame(std::shared_ptr<SessionState> state, PlanRef plan) {
    return DataFrame(std::move(state), std::move(plan));
  }
};

}  // namespace smallpond
