#include "storage/files/early_writeback.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "storage/files/file_identity.h"
#include "storage/files/file_system.h"
#include "storage/files/open_file.h"

namespace smallpond {
namespace {

constexpr auto kLookInterval = std::chrono::milliseconds(100);
// Smaller pieces are left to the sync: a file's last page may still change.
constexpr uint64_t kLeastBytes = 8'000'000;

}  // namespace

EarlyWriteback::EarlyWriteback(std::string folder)
    : folder_(std::move(folder)), thread_([this](std::stop_token stop) {
        std::unique_lock lock(mutex_);
        while (!ended_.wait_for(lock, stop, kLookInterval, [&] { return stop.stop_requested(); }))
          Look();
      }) {}

EarlyWriteback::~EarlyWriteback() = default;

void EarlyWriteback::Look() {
  for (const auto& entry : ListBelow(folder_).entries) {
    if (entry.kind != FolderEntry::Kind::kFile) continue;
    uint64_t bytes = Identify(entry.path).bytes;
    if (bytes >= kLeastBytes) Begin(entry.path.string(), bytes);
  }
}

void EarlyWriteback::Begin(const std::string& path, uint64_t bytes) {
  uint64_t& begun = begun_bytes_[path];
  if (bytes < begun) begun = 0;  // Another file of the name.
  if (bytes - begun < kLeastBytes) return;
  int file = OpenToRead(path).descriptor;
  if (file < 0) return;
  ::sync_file_range(file, static_cast<off64_t>(begun), static_cast<off64_t>(bytes - begun),
                    SYNC_FILE_RANGE_WRITE);
  ::close(file);
  begun = bytes;
}

}  // namespace smallpond
