#include "duckdb_adapter/files/pipe_inputs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "duckdb/common/file_opener.hpp"
#include "duckdb/common/local_file_system.hpp"
#include "duckdb/common/multi_file/multi_file_list.hpp"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCopyBytes = 1 << 16;  // What a pipe holds.
constexpr int kLookForInterruptMs = 50;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int operator*() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void ThrowFailed(const std::string& what, const std::string& path) {
  throw duckdb::IOException(what + " '" + path + "' failed: " + std::strerror(errno) + ".");
}

void WriteAll(int file, const char* bytes, size_t count, const std::string& path) {
  while (count > 0) {
    ssize_t written = ::write(file, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowFailed("Writing what was read of a pipe to", path);
    bytes += written;
    count -= static_cast<size_t>(written);
  }
}

void CheckInterrupt(duckdb::ClientContext* context) {
  if (context && context->IsInterrupted()) throw duckdb::InterruptException();
}

// Waits for bytes or the end of a pipe. Reading itself would not hear an interrupt.
void WaitForBytes(int pipe, duckdb::ClientContext* context) {
  pollfd wanted{pipe, POLLIN, 0};
  for (;;) {
    CheckInterrupt(context);
    int ready = ::poll(&wanted, 1, kLookForInterruptMs);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return;
  }
}

void Copy(const std::string& from, const std::string& to, duckdb::ClientContext* context) {
  // A FIFO that nobody writes to yet would not open otherwise.
  Descriptor pipe(::open(from.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (*pipe < 0) ThrowFailed("Opening", from);
  Descriptor file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (*file < 0) ThrowFailed("Making a file for what is read of a pipe,", to);
  std::vector<char> buffer(kCopyBytes);
  for (;;) {
    WaitForBytes(*pipe, context);
    ssize_t count = ::read(*pipe, buffer.data(), buffer.size());
    if (count == 0) return;
    if (count > 0) {
      WriteAll(*file, buffer.data(), static_cast<size_t>(count), to);
    } else if (errno != EINTR && errno != EAGAIN) {
      ThrowFailed("Reading", from);
    }
  }
}

// The copies of one database's pipes. Any thread may use it.
class PipeCopies {
 public:
  PipeCopies(std::string temp_dir, std::string opened_temp_dir)
      : temp_dir_(std::move(temp_dir)), opened_temp_dir_(std::move(opened_temp_dir)) {}

  ~PipeCopies() {
    if (folder_.empty()) return;
    std::error_code error;
    fs::remove_all(opened_temp_dir_ + folder_, error);
    fs::remove(temp_dir_, error);  // Where nothing was spilled.
  }
  PipeCopies(const PipeCopies&) = delete;
  PipeCopies& operator=(const PipeCopies&) = delete;

  /// Returns the file with what a pipe gave, which is read now if it was not before.
  std::string CopyOf(const std::string& path, duckdb::ClientContext* context) {
    struct stat now{};
    if (::stat(path.c_str(), &now) != 0) ThrowFailed("Looking at", path);
    std::unique_lock lock(mutex_, std::defer_lock);
    while (!lock.try_lock_for(std::chrono::milliseconds(kLookForInterruptMs))) {
      CheckInterrupt(context);
    }
    auto [entry, is_new] = copies_.try_emplace({now.st_dev, now.st_ino});
    if (!is_new) return entry->second;
    std::string copy;
    try {
      MakeFolder();
      // The ending tells DuckDB how a file is compressed.
      copy = folder_ + "/" + std::to_string(++number_) + "-" + fs::path(path).filename().string();
      Copy(path, opened_temp_dir_ + copy, context);
      return entry->second = temp_dir_ + copy;  // Other processes know no other name.
    } catch (...) {
      copies_.erase(entry);
      std::error_code error;
      if (!copy.empty())
        fs::remove(opened_temp_dir_ + copy, error);  // Half of it is of no use to anybody.
      throw;
    }
  }

 private:
  void MakeFolder() {
    if (!folder_.empty()) return;
    std::error_code error;
    fs::create_directories(fs::path(temp_dir_).parent_path(), error);
    if (::mkdir(temp_dir_.c_str(), 0700) != 0 && errno != EEXIST) {
      ThrowFailed("Making the folder", temp_dir_);
    }
    std::string name = opened_temp_dir_ + "/pipes-XXXXXX";
    if (!::mkdtemp(name.data())) ThrowFailed("Making the folder", name);
    folder_ = name.substr(opened_temp_dir_.size());
  }

  const std::string temp_dir_;
  const std::string opened_temp_dir_;
  std::timed_mutex mutex_;  // Guards what follows, and is held while a pipe is read.
  std::string folder_;      // In the folder to spill to: "/pipes-…".
  int number_ = 0;
  std::map<std::pair<dev_t, ino_t>, std::string> copies_;
};

// The file system for the paths of pipes. For all but listing, which every reader begins with, it
// is the local one, and so is its name: what disables that disables this.
class PipeFiles : public duckdb::LocalFileSystem {
 public:
  PipeFiles(const std::string& temp_dir, const std::string& opened_temp_dir)
      : copies_(temp_dir, opened_temp_dir) {}

  bool CanHandleFile(const std::string& path) override {
    struct stat now{};
    if (path.empty() || ::stat(path.c_str(), &now) != 0) return false;
    return IsOfThisProcess(path) ? !S_ISDIR(now.st_mode)
                                 : !S_ISREG(now.st_mode) && !S_ISDIR(now.st_mode);
  }

  // Readers of rows list their files first, and get copies. Who opens the path itself would wait
  // where nobody hears an interrupt, and then look for places in it that it has not.
  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(
      const std::string& path, duckdb::FileOpenFlags flags,
      duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    if (flags.OpenForReading()) RefuseToOpen(path);
    return LocalFileSystem::OpenFile(path, flags, opener);
  }

 protected:
  duckdb::unique_ptr<duckdb::MultiFileList> GlobFilesExtended(
      const std::string& path, const duckdb::FileGlobInput&,
      duckdb::optional_ptr<duckdb::FileOpener> opener) override {
    std::string file = RegularFile(path);
    if (file.empty()) {
      auto context = duckdb::FileOpener::TryGetClientContext(opener);
      file = copies_.CopyOf(path, context.get());
    }
    duckdb::vector<duckdb::OpenFileInfo> files;
    files.emplace_back(file);
    return duckdb::make_uniq<duckdb::SimpleMultiFileList>(std::move(files));
  }

 private:
  static void RefuseToOpen(const std::string& path) {
    struct stat now{};
    if (::stat(path.c_str(), &now) != 0 || S_ISREG(now.st_mode)) return;
    const char* what = S_ISFIFO(now.st_mode)   ? "a pipe"
                       : S_ISSOCK(now.st_mode) ? "a socket"
                                               : "a device";
    throw duckdb::InvalidInputException(
        "'%s' is %s, whose bytes can be read once, one after the other. What is opened as a "
        "database has to be a regular file: copy it to one, as by cat, and give that.",
        path, what);
  }

  static bool IsOfThisProcess(const std::string& path) {
    return path.starts_with("/dev/std") || path.starts_with("/dev/fd/") ||
           path.starts_with("/proc/");
  }

  // The name of its own that an open file of this process has; empty where it has none.
  static std::string RegularFile(const std::string& path) {
    std::error_code error;
    fs::path real = fs::canonical(path, error);
    if (error || !fs::is_regular_file(real, error) || !fs::equivalent(path, real, error)) return "";
    return real.string().starts_with("/proc/") ? "" : real.string();
  }

  PipeCopies copies_;
};

}  // namespace

void ReadPipesOnce(duckdb::DatabaseInstance& database, const std::string& temp_dir,
                   const std::string& opened_temp_dir) {
  duckdb::FileSystem::GetFileSystem(database).RegisterSubSystem(
      duckdb::make_uniq<PipeFiles>(temp_dir, opened_temp_dir));
}

}  // namespace smallpond
