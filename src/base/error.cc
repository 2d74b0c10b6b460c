#include "smallpond/error.h"

#include "base/secrets.h"

namespace smallpond {

// Whoever catches, logs or sends an error has it from here.
Error::Error(ErrorKind kind, const std::string& message)
    : std::runtime_error(WithoutSecrets(message)), kind_(kind) {}

std::string_view ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidInput:
      return "InvalidInput";
    case ErrorKind::kUnsupported:
      return "Unsupported";
    case ErrorKind::kUserCode:
      return "UserCode";
    case ErrorKind::kOutOfMemory:
      return "OutOfMemory";
    case ErrorKind::kIo:
      return "Io";
    case ErrorKind::kUnavailable:
      return "Unavailable";
    case ErrorKind::kCancelled:
      return "Cancelled";
    case ErrorKind::kInternal:
      return "Internal";
  }
  return "Internal";
}

ErrorKind ErrorKindOfName(std::string_view name) {
  for (ErrorKind kind :
       {ErrorKind::kInvalidInput, ErrorKind::kUnsupported, ErrorKind::kUserCode,
        ErrorKind::kOutOfMemory, ErrorKind::kIo, ErrorKind::kUnavailable, ErrorKind::kCancelled}) {
    if (ErrorKindName(kind) == name) return kind;
  }
  return ErrorKind::kInternal;
}

}  // namespace smallpond
