#include "python/core_call.h"

#include <nanobind/nanobind.h>
#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/limits.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

// What the threads of this process do in the core. Never destroyed: some block on it for ever.
struct Calls {
  std::mutex mutex;  // Guards all below.
  std::condition_variable one_ended;
  int open = 0;                // Calls of all threads but the one that ends the program.
  std::thread::id ending;      // That thread; none while the program runs.
  bool are_abandoned = false;  // Whether it has waited long enough.

  static Calls& Get() { return *Current(); }
  bool EndsElsewhere() const {
    return ending != std::thread::id() && ending != std::this_thread::get_id();
  }

 private:
  static Calls*& Current() {
    static Calls* calls = Start();
    return calls;
  }
  // The threads of other calls are not in a process that is forked: it begins anew.
  static Calls* Start() {
    pthread_atfork(nullptr, nullptr, [] { Current() = new Calls; });
    return new Calls;
  }
};

[[noreturn]] void BlockForEver() {
  while (true) pause();
}

}  // namespace

CoreCall::CoreCall(bool is_of_python) : is_of_python_(is_of_python) {
  auto& calls = Calls::Get();
  {
    std::lock_guard lock(calls.mutex);
    if (!calls.EndsElsewhere()) {
      ++calls.open;
      return;
    }
  }
  if (is_of_python) BlockForEver();
  is_refused_ = true;
}

CoreCall::~CoreCall() {
  if (is_refused_) return;
  auto& calls = Calls::Get();
  {
    std::lock_guard lock(calls.mutex);
    --calls.open;
    calls.one_ended.notify_all();
    if (!calls.EndsElsewhere() || !is_of_python_) return;
  }
  BlockForEver();
}

// The end of the program begins while the lock is held, so it can't begin where this holds it.
Unlocked::~Unlocked() {
  if (ProgramEnds()) return;  // To end the call, and this thread, without the lock.
  PyEval_RestoreThread(state_);
  if (ProgramEnds()) PyEval_SaveThread();
}

void Locked::BlockWhereAbandoned() {
  auto& calls = Calls::Get();
  {
    std::lock_guard lock(calls.mutex);
    if (!calls.EndsElsewhere() || !calls.are_abandoned) return;
  }
  BlockForEver();
}

bool ProgramEnds() {
  auto& calls = Calls::Get();
  std::lock_guard lock(calls.mutex);
  return calls.EndsElsewhere();
}

bool EndCoreCalls(double seconds) {
  auto& calls = Calls::Get();
  {
    std::lock_guard lock(calls.mutex);
    calls.ending = std::this_thread::get_id();
  }
  nanobind::gil_scoped_release unlocked;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::unique_lock lock(calls.mutex);
  while (calls.open > 0 && std::chrono::steady_clock::now() < deadline) {
    lock.unlock();
    InterruptAll();  // Again and again: DuckDB forgets one that falls between two statements.
    lock.lock();
    calls.one_ended.wait_for(lock, std::chrono::milliseconds(kTickIntervalMs));
  }
  calls.are_abandoned = calls.open > 0;
  return calls.open == 0;
}

}  // namespace smallpond
