#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace smallpond {

/// A local file as it was when somebody looked. Equal identities: the same content, as far as a
/// file system tells without reading.
struct FileIdentity {
  std::string path;
  uint64_t bytes = 0;
  int64_t modified_ns = 0;  ///< Since 1970.
  uint64_t inode = 0;

  bool operator==(const FileIdentity&) const = default;
};

/// Looks at a file. Returns an identity with no inode where there is none.
FileIdentity Identify(const std::string& path);

/// Returns when it was so many days ago, as `modified_ns`.
int64_t DaysAgoNs(int days);

/// Throws Io that names the first file with another content than it had. A file that was removed is
/// no change: what was read of it is what it was.
void CheckUnchanged(const std::vector<FileIdentity>& files);

/// Returns the paths of those files that are gone.
std::vector<std::string> RemovedFiles(const std::vector<FileIdentity>& files);

}  // namespace smallpond
