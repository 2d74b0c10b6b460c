#include "smallpond/error.h"

#include "base/error_kinds.h"
#include "base/secrets.h"
#include "base/shown_paths.h"

namespace smallpond {

// Whoever catches, logs or sends an error has it from here.
Error::Error(ErrorKind kind, const std::string& message)
    : std::runtime_error(WithoutSecrets(WithShownPaths(message))), kind_(kind) {}

std::string_view ErrorKindName(ErrorKind kind) {
  for (const auto& named : kErrorKinds) {
    if (named.kind == kind) return named.name;
  }
  return "Internal";
}

ErrorKind ErrorKindOfName(std::string_view name) {
  for (const auto& named : kErrorKinds) {
    if (named.name == name) return named.kind;
  }
  return ErrorKind::kInternal;
}

}  // namespace smallpond
