#include "storage/files/private_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <system_error>

#include "storage/files/file_system.h"
#include "storage/files/io_error.h"

namespace smallpond {

namespace fs = std::filesystem;

std::string RandomTag() {
  std::random_device device;  // The kernel's, or the processor's.
  std::string tag;
  for (int i = 0; i < 4; ++i) {
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x", device());
    tag += digits;
  }
  return tag;
}

void MakePrivateFolder(const std::string& path) {
  std::error_code error = MakeNewFolder(path, Access::kPrivate);
  if (error) ThrowIo("Making the folder", path, error);
}

void MakePrivateFolders(const fs::path& path) {
  if (path.empty() || IsFolder(path)) return;
  if (path.parent_path() != path) MakePrivateFolders(path.parent_path());
  std::error_code error = MakeNewFolder(path, Access::kPrivate);
  // Another process may have made it just now; a path may end with a slash.
  if (error == std::errc::file_exists && IsFolder(path)) return;
  if (error) ThrowIo("Making the folder", path, error);
}

bool IsOwnFolder(const fs::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid();
}

}  // namespace smallpond
