#include "storage/files/process_folder.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "storage/files/attempt_owner.h"
#include "storage/files/private_folder.h"

namespace smallpond {

namespace fs = std::filesystem;

ProcessFolder::ProcessFolder(const std::string& root, const std::string& prefix)
    : owner_pid_(getpid()) {
  RemoveDeadProcessFolders(root, prefix);
  MakePrivateFolders(root);
  path_ = (fs::path(root) / OwnedName(prefix, RandomTag())).string();
  MakePrivateFolder(path_);
}

ProcessFolder::~ProcessFolder() {
  if (getpid() != owner_pid_) return;  // Forked: the folder is the parent's.
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void RemoveDeadProcessFolders(const std::string& root, const std::string& prefix) {
  std::error_code error;
  auto entry = fs::directory_iterator(root, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    if (!IsOwnedName(path.filename().string(), prefix) || !IsOwnFolder(path)) continue;
    if (AttemptOwnerMayLive(path.string())) continue;
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
}

}  // namespace smallpond
