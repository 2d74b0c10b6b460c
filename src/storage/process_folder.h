#pragma once

#include <unistd.h>

#include <string>

namespace smallpond {

/// A folder of this process's own below a folder that several processes use, such as the spill
/// files of a worker: two DuckDBs that spill to one folder would write files of the same names.
/// Removed with all that is in it by the destructor, and `root` too where it is empty then.
class ProcessFolder {
 public:
  /// Makes ROOT/PREFIX-TAG-MACHINE-PID-START and removes those of `prefix` whose process has died
  /// without doing so. `prefix` holds no "-". Throws Io.
  ProcessFolder(const std::string& root, const std::string& prefix);
  ~ProcessFolder();
  ProcessFolder(const ProcessFolder&) = delete;
  ProcessFolder& operator=(const ProcessFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  const pid_t owner_pid_ = getpid();
  const std::string root_;
  std::string path_;
};

/// Removes the folders below `root` that a ProcessFolder of a process that has ended left there.
void RemoveDeadProcessFolders(const std::string& root, const std::string& prefix);

}  // namespace smallpond
