#pragma once

#include <string>

#include "smallpond/error.h"

namespace smallpond {

/// Refuses what a caller gave.
[[noreturn]] inline void ThrowInvalid(const std::string& message) {
  throw Error(ErrorKind::kInvalidInput, message);
}

}  // namespace smallpond
