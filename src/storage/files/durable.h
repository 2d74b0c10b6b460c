#pragma once

#include <string>
#include <vector>

namespace smallpond {

/// Returns when the disk has the content of the files. Throws Io.
void SyncFiles(const std::vector<std::string>& paths);

/// Returns when the disk has the names that stand in the folders, as far as the file system can
/// promise that. Throws Io where it tried and failed.
void SyncFolders(const std::vector<std::string>& paths);

}  // namespace smallpond
