#include "storage/files/process_folder.h"

#include <unistd.h>

#include <filesystem>

#include "storage/files/attempt_owner.h"
#include "storage/files/file_system.h"
#include "storage/files/private_folder.h"

namespace smallpond {

namespace fs = std::filesystem;

namespace {

OpenedFolder MakeIn(const std::string& root, const std::string& prefix) {
  RemoveDeadProcessFolders(root, prefix);
  MakePrivateFolders(root);
  return OpenedFolder::Make((fs::path(root) / OwnedName(prefix, RandomTag())).string());
}

}  // namespace

ProcessFolder::ProcessFolder(const std::string& root, const std::string& prefix)
    : owner_pid_(getpid()), folder_(MakeIn(root, prefix)) {}

ProcessFolder::~ProcessFolder() {
  if (getpid() != owner_pid_) return;  // Forked: the folder is the parent's.
  folder_.Remove();
}

void RemoveDeadProcessFolders(const std::string& root, const std::string& prefix) {
  for (const auto& entry : ListFolder(root).entries) {
    if (!IsOwnedName(entry.name(), prefix) || !IsOwnFolder(entry.path)) continue;
    if (!AttemptOwnerMayLive(entry.path.string())) RemoveTree(entry.path);
  }
}

}  // namespace smallpond
