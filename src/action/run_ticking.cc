#include "action/run_ticking.h"

#include <chrono>
#include <future>

#include "base/limits.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

// An interrupt that falls between two statements of the work is forgotten by DuckDB, so it is
// repeated.
void InterruptUntilDone(Connection& connection, std::future<void>& done) {
  do {
    connection.Interrupt();
  } while (done.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready);
}

}  // namespace

void RunTicking(Connection& connection, const Ticker& ticker, const std::function<void()>& work) {
  if (!ticker) return work();
  auto start = std::chrono::steady_clock::now();
  auto done = std::async(std::launch::async, work);
  while (done.wait_for(std::chrono::milliseconds(kTickIntervalMs)) != std::future_status::ready) {
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    bool goes_on = false;
    try {
      goes_on = ticker({seconds.count(), connection.ProgressFraction()});
    } catch (...) {
      InterruptUntilDone(connection, done);
      throw;
    }
    if (!goes_on) {
      InterruptUntilDone(connection, done);
      throw Error(ErrorKind::kCancelled, "The query was stopped.");
    }
  }
  done.get();
}

}  // namespace smallpond
