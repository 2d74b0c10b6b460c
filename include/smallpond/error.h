#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "smallpond/api.h"

namespace smallpond {

/// What went wrong, as far as a program has to know. The kind alone decides whether trying again
/// can help.
enum class ErrorKind {
  /// The query, an argument or the data is wrong. Trying again gives the same error.
  kInvalidInput,
  kUnsupported,  ///< Understood, and not offered here.
  kUserCode,     ///< A function of the user failed.
  kOutOfMemory,  ///< The memory limit was reached and spilling could not help.
  kIo,           ///< A file or its storage failed.
  kUnavailable,  ///< A node or service did not answer.
  kCancelled,    ///< The caller asked to stop.
  kInternal,     ///< A bug in smallpond or DuckDB.
};

/// Returns the kind's name as it is printed, for example "InvalidInput".
SMALLPOND_API std::string_view ErrorKindName(ErrorKind kind);
/// The kind of that name; kInternal where there is none.
SMALLPOND_API ErrorKind ErrorKindOfName(std::string_view name);

/// The one exception that smallpond throws. what() says what failed, then the values, then what to
/// do. It shows no credential: of passwords, tokens and the like in the message "***" is left.
class SMALLPOND_API Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message);

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace smallpond
