#pragma once

#include <string>

#include "smallpond/error.h"

namespace smallpond {

/// Says that an exchange file can't be read as it was written: it is missing, short, damaged or
/// something else. The attempt that wrote it has to run again, so whoever catches this turns it
/// into a lost input. Its kind is Io.
class ExchangeFileError : public Error {
 public:
  ExchangeFileError(std::string path, const std::string& what)
      : Error(ErrorKind::kIo, "Exchange file " + path + " can't be read: " + what +
                                  ". The task that wrote it has to run again."),
        path_(std::move(path)) {}

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace smallpond
