#pragma once

#include <string_view>

#include "smallpond/error.h"

namespace smallpond {

struct NamedErrorKind {
  ErrorKind kind;
  std::string_view name;
};

/// All kinds, and what each is called in reports, logs and, with "Error" behind it, in Python.
inline constexpr NamedErrorKind kErrorKinds[] = {
    {ErrorKind::kInvalidInput, "InvalidInput"},
    {ErrorKind::kUnsupported, "Unsupported"},
    {ErrorKind::kUserCode, "UserCode"},
    {ErrorKind::kOutOfMemory, "OutOfMemory"},
    {ErrorKind::kIo, "Io"},
    {ErrorKind::kUnavailable, "Unavailable"},
    {ErrorKind::kCancelled, "Cancelled"},
    {ErrorKind::kInternal, "Internal"},
};

}  // namespace smallpond
