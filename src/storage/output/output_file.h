#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "smallpond/options.h"

namespace smallpond {

/// Writes one file, so that it appears whole under its name or not at all: it is written beside it,
/// in a folder of an attempt (attempt_owner.h) that only this account may enter, and then gets its
/// name. What a killed writer leaves goes when the next one writes the same file. Of several
/// writers at a time the last one's file stays; with WriteMode::kError and kIgnore the first one's.
/// One thread uses a committer.
class OutputFileCommitter {
 public:
  /// Throws InvalidInput where `path` (absolute) is a folder, is there and `mode` is kError, or
  /// `mode` is kAppend; Io where the folder that it is in can't be made.
  OutputFileCommitter(std::string path, WriteMode mode);
  /// Removes what was not committed.
  ~OutputFileCommitter();
  OutputFileCommitter(const OutputFileCommitter&) = delete;
  OutputFileCommitter& operator=(const OutputFileCommitter&) = delete;

  /// Whether the mode is kIgnore and there is a file.
  bool has_nothing_to_do() const { return has_nothing_to_do_; }
  /// Where to write it.
  const std::string& staged() const { return staged_; }
  /// Waits until the disk has what was written. Throws Io.
  void SyncStaged();
  /// Shows the file. Returns false where the mode is kIgnore and somebody else wrote one meanwhile.
  /// Throws Io, and InvalidInput as the constructor.
  bool Commit();
  /// Of the staged file, when it was synced.
  uint64_t num_bytes() const { return num_bytes_; }

 private:
  [[noreturn]] void ThrowExists() const;

  std::string path_;
  WriteMode mode_;
  std::string staging_;  // The folder; empty before it is made.
  std::string staged_;
  std::vector<std::string> made_folders_;  // For this write, the innermost first.
  bool has_nothing_to_do_ = false;
  uint64_t num_bytes_ = 0;
};

}  // namespace smallpond
