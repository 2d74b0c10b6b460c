#pragma once

#include <exception>

#include "smallpond/error.h"

namespace smallpond {

/// Throws what the standard library (or the JSON library) threw as an Error: OutOfMemory for an
/// allocation, Io for a file, Unavailable for a thread that can't be started, else Internal. Throws
/// an exception of another origin, such as one of Python, again as it is. Called while it is being
/// handled.
[[noreturn]] void ThrowStandardError();

/// Runs `work` at a border of the library, which only Error leaves.
template <class Work>
auto TranslatingStandardErrors(Work&& work) {
  try {
    return work();
  } catch (const std::exception&) {
    ThrowStandardError();
  }
}

}  // namespace smallpond
