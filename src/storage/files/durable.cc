#include "storage/files/durable.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/parallel_for.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

// Some network and user-space file systems keep names by other means and refuse to sync a folder.
bool CanNotSync(int error) {
  return error == EINVAL || error == ENOTSUP || error == ENOSYS || error == EBADF;
}

void Sync(const std::string& path, bool is_folder) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (is_folder ? O_DIRECTORY : 0));
  // A folder that another writer removed, since it was empty, has no names to keep.
  if (file < 0 && is_folder && errno == ENOENT) return;
  int error = file < 0 || ::fsync(file) != 0 ? errno : 0;
  if (file >= 0) ::close(file);
  if (error == 0 || (is_folder && file >= 0 && CanNotSync(error))) return;
  throw Error(ErrorKind::kIo,
              "Writing '" + path + "' to the disk failed: " + std::strerror(error) + ".");
}

}  // namespace

void SyncFiles(const std::vector<std::string>& paths) {
  ParallelFor(paths.size(), [&](size_t i) { Sync(paths[i], false); });
}

void SyncFolders(const std::vector<std::string>& paths) {
  ParallelFor(paths.size(), [&](size_t i) { Sync(paths[i], true); });
}

}  // namespace smallpond
