#include "storage/process_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "smallpond/error.h"
#include "storage/attempt_owner.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxTries = 10;  // A process that ends may remove the root just then.

}  // namespace

ProcessFolder::ProcessFolder(const std::string& root, const std::string& prefix) : root_(root) {
  static std::atomic<int> made{0};
  RemoveDeadProcessFolders(root, prefix);
  path_ = (fs::path(root) / OwnedName(prefix, std::to_string(made++))).string();
  int error = 0;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    std::error_code ignored;
    fs::create_directories(root, ignored);
    if (::mkdir(path_.c_str(), 0700) == 0) return;
    error = errno;
    if (error != ENOENT) break;
  }
  throw Error(ErrorKind::kIo,
              "Making the folder '" + path_ + "' failed: " + std::strerror(error) + ".");
}

ProcessFolder::~ProcessFolder() {
  if (getpid() != owner_pid_) return;  // Forked: the folder is the parent's.
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  fs::remove(root_, ignored);  // Fails where it holds anything.
}

void RemoveDeadProcessFolders(const std::string& root, const std::string& prefix) {
  std::error_code error;
  auto entry = fs::directory_iterator(root, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    if (!path.filename().string().starts_with(prefix + "-")) continue;
    if (AttemptOwnerMayLive(path.string())) continue;
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
}

}  // namespace smallpond
