#pragma once

#include <sys/types.h>

#include <string>

#include "storage/files/opened_folder.h"

namespace smallpond {

/// Of the folders in which DuckDBs spill, those of drivers and of workers alike.
inline constexpr const char* kSpillPrefix = "smallpond";

/// A folder of this process's own below a folder that others use as well, such as /tmp: for spill
/// files and whatever nobody needs when this process has ended. Only this account may enter it, and
/// its name can't be guessed, so that nobody else reads the files or puts links in their place. It
/// is held open, so that what is written to its `opened_path` stays in it, also where the folder
/// above is another account's.
///
/// Removed with all that is in it by the destructor, but not by the one of a process that was
/// forked off. What a killed process leaves is removed by the next one that makes such a folder.
class ProcessFolder {
 public:
  /// Makes ROOT/PREFIX-RANDOM-MACHINE-PID-START, and the folders above it as far as they are
  /// missing; removes those of `prefix` whose process has ended. `prefix` holds no "-". Throws Io.
  ProcessFolder(const std::string& root, const std::string& prefix);
  ~ProcessFolder();
  ProcessFolder(const ProcessFolder&) = delete;
  ProcessFolder& operator=(const ProcessFolder&) = delete;

  /// Those of OpenedFolder.
  const std::string& path() const { return folder_.path(); }
  const std::string& opened_path() const { return folder_.opened_path(); }

 private:
  const pid_t owner_pid_;
  const OpenedFolder folder_;
};

/// Removes the folders below `root` that ProcessFolders of this account left there, whose process
/// has ended. One whose process can't be seen (another machine's on a shared file system, another
/// container's) stays until nothing was added to it for `kForeignAttemptDays` days.
void RemoveDeadProcessFolders(const std::string& root, const std::string& prefix);

}  // namespace smallpond
