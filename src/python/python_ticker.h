#pragma once

#include <nanobind/nanobind.h>

#include "python/core_call.h"
#include "smallpond/data_frame.h"

namespace smallpond {

/// Runs Python's signal handlers, so that Ctrl-C ends a query, and tells `on_progress` (None:
/// nobody) how far it is. Stops the query where the program ends. `on_progress` must outlive the
/// ticker.
inline Ticker PythonTicker(const nanobind::object& on_progress) {
  return [&on_progress](const Progress& progress) {
    if (ProgramEnds()) return false;
    Locked locked;
    if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
    if (!on_progress.is_none()) on_progress(progress.seconds, progress.fraction);
    return true;
  };
}

}  // namespace smallpond
