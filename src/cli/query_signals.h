#pragma once

#include <array>
#include <csignal>

namespace smallpond {

/// While it lives, signals that would end the process end its query instead, so that nothing is
/// left half-written. What the process was started to ignore (nohup) it goes on to ignore.
class SignalsEndQuery {
 public:
  SignalsEndQuery();
  ~SignalsEndQuery();
  SignalsEndQuery(const SignalsEndQuery&) = delete;
  SignalsEndQuery& operator=(const SignalsEndQuery&) = delete;

 private:
  static constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGHUP};
  std::array<void (*)(int), kSignals.size()> previous_{};
};

/// The signal that ends the query; 0 where none has come.
int StoppingSignal();

}  // namespace smallpond
