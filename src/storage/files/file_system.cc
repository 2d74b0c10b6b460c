#include "storage/files/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/parallel_for.h"
#include "smallpond/error.h"
#include "storage/files/io_error.h"
#include "storage/files/open_file.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPrivateFile = 0600;
constexpr mode_t kPrivateFolder = 0700;
constexpr mode_t kSharedFolder = 0777;

// What a network file system says of a folder that somebody else removed.
const std::error_code kStale(ESTALE, std::generic_category());

std::error_code LastError() { return {errno, std::generic_category()}; }

bool SaysMissing(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
}

// What the listing of the folder above tells is taken, and no further look.
FolderEntry::Kind KindOf(const fs::directory_entry& entry) {
  std::error_code error;
  if (entry.is_symlink(error)) return FolderEntry::Kind::kLink;
  if (entry.is_directory(error)) return FolderEntry::Kind::kFolder;
  return entry.is_regular_file(error) ? FolderEntry::Kind::kFile : FolderEntry::Kind::kOther;
}

std::error_code WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return LastError();
    text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

// Some network and user-space file systems keep names by other means and refuse to sync a folder.
bool CanNotSync(int error) {
  return error == EINVAL || error == ENOTSUP || error == ENOSYS || error == EBADF;
}

OpenedFile OpenFolder(const std::string& path) {
  int folder = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  return {.descriptor = folder, .error = folder < 0 ? LastError() : std::error_code()};
}

void Sync(const std::string& path, bool is_folder) {
  OpenedFile opened = is_folder ? OpenFolder(path) : OpenToRead(path);
  // A folder that another writer removed, since it was empty, has no names to keep.
  if (is_folder && opened.error == std::errc::no_such_file_or_directory) return;
  const int file = opened.descriptor;
  int error = opened.error.value();
  if (file >= 0 && ::fsync(file) != 0) error = errno;
  if (file >= 0) ::close(file);
  if (error == 0 || (is_folder && file >= 0 && CanNotSync(error))) return;
  throw Error(ErrorKind::kIo,
              "Writing '" + path + "' to the disk failed: " + std::strerror(error) + ".");
}

}  // namespace

bool FolderEntry::LeadsToFolder() const {
  return kind == Kind::kFolder || (kind == Kind::kLink && IsFolder(path));
}

bool FolderListing::is_missing() const { return entries.empty() && SaysMissing(error); }

FolderListing ListFolder(const fs::path& folder) {
  FolderListing listing;
  fs::directory_iterator entry(folder, listing.error);
  for (; !listing.error && entry != fs::directory_iterator(); entry.increment(listing.error))
    listing.entries.push_back({entry->path(), KindOf(*entry)});
  return listing;
}

FolderListing ListBelow(const fs::path& folder, const std::string& passed_over) {
  FolderListing all = ListFolder(folder);
  std::erase_if(all.entries, [&](const FolderEntry& entry) { return entry.name() == passed_over; });
  for (size_t i = 0; i < all.entries.size(); ++i) {
    if (all.entries[i].kind != FolderEntry::Kind::kFolder) continue;
    FolderListing below = ListFolder(all.entries[i].path);
    all.entries.insert(all.entries.end(), below.entries.begin(), below.entries.end());
    bool may_not = below.error == std::errc::permission_denied;
    if (may_not) all.unreadable = all.entries[i].path;
    bool is_passed_over = SaysMissing(below.error) || below.error == kStale || may_not;
    if (!all.error && !is_passed_over) all.error = below.error;
  }
  return all;
}

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool IsTaken(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool IsRegularFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

uint64_t BytesBelow(const fs::path& folder) {
  constexpr uint64_t kBlockBytes = 512;  // Whatever blocks the disk has.
  uint64_t bytes = 0;
  for (const auto& entry : ListBelow(folder).entries) {
    struct stat status{};
    if (::lstat(entry.path.c_str(), &status) == 0)
      bytes += static_cast<uint64_t>(status.st_blocks) * kBlockBytes;
  }
  return bytes;
}

std::optional<uint64_t> DiskBytes(const fs::path& folder) {
  std::error_code error;
  auto space = fs::space(folder, error);
  if (error) return std::nullopt;
  return space.capacity;
}

fs::path RealPath(const fs::path& path) {
  std::error_code error;
  return fs::canonical(path, error);
}

bool AreOnOneDisk(const fs::path& folder, const fs::path& other) {
  struct stat one{}, two{};
  return ::stat(folder.c_str(), &one) == 0 && ::stat(other.c_str(), &two) == 0 &&
         one.st_dev == two.st_dev;
}

std::error_code ReadPieces(const fs::path& path,
                           const std::function<void(std::string_view)>& take) {
  auto [file, bytes, error] = OpenToRead(path);
  if (error) return error;
  char buffer[1 << 16];
  for (;;) {
    ssize_t count = ::read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = LastError();
    if (count <= 0) break;
    take({buffer, static_cast<size_t>(count)});
  }
  ::close(file);
  return error;
}

std::error_code ReadText(const fs::path& path, std::string& text) {
  text.clear();
  return ReadPieces(path, [&](std::string_view piece) { text += piece; });
}

void WriteNew(const fs::path& path, const std::string& content) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kPrivateFile);
  if (file < 0) ThrowIo("Creating", path, LastError());
  std::error_code error = WriteAll(file, content);
  // On network file systems the content arrives when the file is closed, or fails to.
  if (::close(file) != 0 && !error) error = LastError();
  if (error) ThrowIo("Writing", path, error);
}

AppendedFile::AppendedFile(const fs::path& path)
    : path_(path),
      file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kPrivateFile)) {
  if (file_ < 0) ThrowIo("Opening", path, LastError());
}

AppendedFile::~AppendedFile() { ::close(file_); }

void AppendedFile::Append(const std::string& text) {
  if (std::error_code error = WriteAll(file_, text)) ThrowIo("Writing", path_, error);
}

std::error_code MakeNewFolder(const fs::path& path, Access access) {
  mode_t mode = access == Access::kPrivate ? kPrivateFolder : kSharedFolder;
  return ::mkdir(path.c_str(), mode) == 0 ? std::error_code() : LastError();
}

std::error_code MakeFolder(const fs::path& path) {
  std::error_code error = MakeNewFolder(path, Access::kShared);
  return error == std::errc::file_exists ? std::error_code() : error;
}

std::error_code MakeFolders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error;
}

std::error_code CopyAccess(const fs::path& like, const fs::path& path) {
  std::error_code error;
  auto status = fs::status(like, error);
  if (!error) fs::permissions(path, status.permissions(), error);
  return error;
}

std::error_code LinkFile(const fs::path& file, const fs::path& name) {
  return ::link(file.c_str(), name.c_str()) == 0 ? std::error_code() : LastError();
}

std::error_code Rename(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  return errno == ENOTEMPTY ? std::make_error_code(std::errc::file_exists) : LastError();
}

std::error_code RemoveFile(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  return error;
}

bool RemoveEmptyFolder(const fs::path& path) { return ::rmdir(path.c_str()) == 0; }

void RemoveTree(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

void SyncFiles(const std::vector<std::string>& paths) {
  ParallelFor(paths.size(), [&](size_t i) { Sync(paths[i], false); });
}

void SyncFolders(const std::vector<std::string>& paths) {
  ParallelFor(paths.size(), [&](size_t i) { Sync(paths[i], true); });
}

}  // namespace smallpond
