#pragma once

#include <Python.h>

namespace smallpond {

/// A thread of Python in the core, without the interpreter's lock.
///
/// When a program ends, Python takes its lock for good while daemon threads may still be in the
/// core. A thread that asks for the lock then is unwound through C++ frames, which aborts the
/// process. So whoever ends the program first makes all other threads' calls end (EndCoreCalls),
/// and those threads never ask again: Python would not run them any more.
class CoreCall {
 public:
  /// Where another thread ends the program, neither beginning nor ending a call ever returns. A
  /// thread that has the lock when it asks for a call must look for that first (ProgramEnds): the
  /// end needs the lock. One that Python does not know never asks for the lock, and its library may
  /// wait for it at the end: with `is_of_python` false it goes on, refused or not.
  explicit CoreCall(bool is_of_python = true);
  ~CoreCall();
  /// Whether the program ends: the call did not begin.
  bool is_refused() const { return is_refused_; }
  CoreCall(const CoreCall&) = delete;
  CoreCall& operator=(const CoreCall&) = delete;

 private:
  const bool is_of_python_;
  bool is_refused_ = false;
};

/// Releases the interpreter's lock while the core works.
class Unlocked {
 public:
  Unlocked() : state_(PyEval_SaveThread()) {}
  ~Unlocked();
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  PyThreadState* state_;
  CoreCall call_;  // Begins when the lock is released, since it may block for ever.
};

/// Takes the interpreter's lock where the core calls Python. Blocks for ever where the program ends
/// without waiting for this thread any longer.
class Locked {
 public:
  Locked() {
    BlockWhereAbandoned();
    state_ = PyGILState_Ensure();
  }
  ~Locked() { PyGILState_Release(state_); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  static void BlockWhereAbandoned();

  PyGILState_STATE state_;
};

/// Whether this thread's work is of no use any more, since another one ends the program.
bool ProgramEnds();

/// Begins the end of the program, by the thread that calls it: interrupts what all other threads
/// compute, over and over, until they have left the core or `seconds` are over. Returns whether
/// they have left. Needs the interpreter's lock, and releases it meanwhile.
bool EndCoreCalls(double seconds);

}  // namespace smallpond
