#pragma once

#include <functional>
#include <string>
#include <vector>

namespace smallpond {

/// A folder of files that one writer fills. The files are written in a folder of their own beside
/// it, under names that no pattern for data files matches, and appear in the target only when all
/// of them are whole. What an earlier OutputFolder wrote there is removed then; a target that holds
/// any other file is refused.
///
/// Local and shared POSIX file systems. Two writers of one folder at a time are not told apart.
class OutputFolder {
 public:
  /// Checks the target. Throws InvalidInput where it is a file or holds files of others, Io where
  /// it can't be made.
  explicit OutputFolder(const std::string& path);
  /// Removes what was not published, with the folders that were made for it.
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Returns the path to write the next file to. Its final name is `stem`, a tag of this writer,
  /// and `ending`.
  std::string AddFile(const std::string& stem, const std::string& ending);
  /// Moves the files to the target and removes the earlier ones. Throws Io.
  void Publish();

 private:
  std::string path_;
  std::string attempt_;               // The folder beside it.
  std::vector<std::string> parents_;  // Folders above it that were not there, the nearest first.
  std::string tag_;
  std::vector<std::string> names_;
  std::vector<std::string> earlier_;
};

}  // namespace smallpond
