#include "storage/files/file_identity.h"

#include <sys/stat.h>

#include <chrono>

#include "smallpond/error.h"

namespace smallpond {

FileIdentity Identify(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {path, 0, 0, 0};
  return {path, static_cast<uint64_t>(status.st_size),
          static_cast<int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec,
          static_cast<uint64_t>(status.st_ino)};
}

int64_t DaysAgoNs(int days) {
  std::chrono::nanoseconds now = std::chrono::system_clock::now().time_since_epoch();
  return (now - std::chrono::hours(24 * days)).count();
}

void CheckUnchanged(const std::vector<FileIdentity>& files) {
  for (const auto& file : files) {
    FileIdentity now = Identify(file.path);
    if (now == file || now.inode == 0) continue;
    std::string sizes = now.bytes == file.bytes ? "its time of change"
                                                : "size " + std::to_string(file.bytes) + " → " +
                                                      std::to_string(now.bytes);
    throw Error(ErrorKind::kIo, "'" + file.path + "' changed while it was read (" + sizes +
                                    "). Run this again when nothing writes to it.");
  }
}

std::vector<std::string> RemovedFiles(const std::vector<FileIdentity>& files) {
  std::vector<std::string> removed;
  for (const auto& file : files) {
    if (Identify(file.path).inode == 0) removed.push_back(file.path);
  }
  return removed;
}

}  // namespace smallpond
