#include "storage/files/private_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <system_error>

#include "smallpond/error.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void ThrowCannotMake(const std::string& path, int error) {
  throw Error(ErrorKind::kIo,
              "Making the folder '" + path + "' failed: " + std::strerror(error) + ".");
}

}  // namespace

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
  if (::mkdir(path.c_str(), 0700) != 0) ThrowCannotMake(path, errno);
}

void MakePrivateFolders(const fs::path& path) {
  std::error_code error;
  if (path.empty() || fs::is_directory(path, error)) return;
  if (path.parent_path() != path) MakePrivateFolders(path.parent_path());
  if (::mkdir(path.c_str(), 0700) == 0) return;
  int reason = errno;
  // Another process may have made it just now; a path may end with a slash.
  if (reason != EEXIST || !fs::is_directory(path, error)) ThrowCannotMake(path.string(), reason);
}

bool IsOwnFolder(const fs::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid();
}

}  // namespace smallpond
