#include "storage/durable.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "smallpond/error.h"

namespace smallpond {
namespace {

constexpr size_t kSyncThreads = 8;

struct Failure {
  std::mutex mutex;  // Guards the others.
  int error = 0;
  std::string path;

  void Note(int code, const std::string& at) {
    std::lock_guard lock(mutex);
    if (error == 0) path = at;
    if (error == 0) error = code;
  }
};

// Some network and user-space file systems keep names by other means and refuse to sync a folder.
bool CanNotSync(int error) {
  return error == EINVAL || error == ENOTSUP || error == ENOSYS || error == EBADF;
}

// Several at a time: each wait is a round trip on a shared file system, and local disks put the
// waits of several into one flush.
void SyncAll(const std::vector<std::string>& paths, bool are_folders) {
  std::atomic<size_t> next{0};
  Failure failure;
  auto work = [&] {
    for (size_t i = next++; i < paths.size(); i = next++) {
      int file = ::open(paths[i].c_str(), O_RDONLY | O_CLOEXEC | (are_folders ? O_DIRECTORY : 0));
      // A folder that another writer removed, since it was empty, has no names to keep.
      if (file < 0 && are_folders && errno == ENOENT) continue;
      if (file < 0 || (::fsync(file) != 0 && !(are_folders && CanNotSync(errno))))
        failure.Note(errno, paths[i]);
      if (file >= 0) ::close(file);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < std::min(kSyncThreads, paths.size()); ++i) threads.emplace_back(work);
    work();
  }
  if (failure.error != 0) {
    throw Error(ErrorKind::kIo, "Writing '" + failure.path +
                                    "' to the disk failed: " + std::strerror(failure.error) + ".");
  }
}

}  // namespace

void SyncFiles(const std::vector<std::string>& paths) { SyncAll(paths, false); }

void SyncFolders(const std::vector<std::string>& paths) { SyncAll(paths, true); }

}  // namespace smallpond
