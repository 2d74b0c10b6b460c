#include "cli/query_signals.h"

#include <atomic>

namespace smallpond {
namespace {

std::atomic<int> stopped_by{0};

}  // namespace

SignalsEndQuery::SignalsEndQuery() {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    previous_[i] = std::signal(kSignals[i], [](int signal) { stopped_by = signal; });
    if (previous_[i] == SIG_IGN) std::signal(kSignals[i], SIG_IGN);
  }
}

SignalsEndQuery::~SignalsEndQuery() {
  for (size_t i = 0; i < kSignals.size(); ++i) std::signal(kSignals[i], previous_[i]);
}

int StoppingSignal() { return stopped_by; }

}  // namespace smallpond
