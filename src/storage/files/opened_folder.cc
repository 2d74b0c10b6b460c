#include "storage/files/opened_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/shown_paths.h"
#include "smallpond/error.h"
#include "storage/files/file_system.h"
#include "storage/files/io_error.h"
#include "storage/files/private_folder.h"

namespace smallpond {
namespace {

constexpr mode_t kOthers = 0077;

int OpenDescriptor(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) ThrowIo("Opening the folder", path, {errno, std::generic_category()});
  return descriptor;
}

struct stat StatusOf(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) status.st_uid = static_cast<uid_t>(-1);
  return status;
}

bool IsSame(const struct stat& one, const struct stat& two) {
  return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

// Whom the file system gives what this account makes in the folder.
uid_t MakerIn(int folder) {
  const std::string name = "owner-" + RandomTag();
  int file = ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return ::geteuid();
  uid_t owner = StatusOf(file).st_uid;
  ::close(file);
  ::unlinkat(folder, name.c_str(), 0);
  return owner;
}

}  // namespace

OpenedFolder OpenedFolder::Make(const std::string& path) {
  MakePrivateFolder(path);
  OpenedFolder folder(path, OpenDescriptor(path));
  folder.CheckIsNew();
  return folder;
}

OpenedFolder OpenedFolder::Open(const std::string& path, const FolderAccess& access) {
  OpenedFolder folder(path, OpenDescriptor(path));
  folder.CheckAccess(access);
  return folder;
}

OpenedFolder::OpenedFolder(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {
  const struct stat status = StatusOf(descriptor_);
  access_ = {.owner = status.st_uid, .is_private = (status.st_mode & kOthers) == 0};
  opened_path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  struct stat by_path{};
  if (::stat(opened_path_.c_str(), &by_path) == 0 && IsSame(by_path, status)) {
    ShowPathAs(opened_path_, path_);
  } else {
    opened_path_ = path_;
  }
}

OpenedFolder::OpenedFolder(OpenedFolder&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      opened_path_(std::move(other.opened_path_)),
      access_(other.access_) {}

OpenedFolder::~OpenedFolder() {
  if (descriptor_ < 0) return;
  ForgetShownPath(opened_path_);
  ::close(descriptor_);
}

// Another account that may write to the folder above can have put one of its own there, or an old
// one of this account that others may enter.
void OpenedFolder::CheckIsNew() {
  if (access_.owner != ::geteuid() && access_.owner != MakerIn(descriptor_)) {
    ThrowOthers("it belongs to account " + std::to_string(access_.owner));
  }
  if (!ListFolder(opened_path_).entries.empty()) ThrowOthers("something is in it already");
  if (!access_.is_private) {
    ::fchmod(descriptor_, 0700);
    access_.is_private = (StatusOf(descriptor_).st_mode & kOthers) == 0;
  }
}

void OpenedFolder::CheckAccess(const FolderAccess& expected) {
  if (access_.owner != expected.owner && access_.owner != ::geteuid()) {
    ThrowOthers("it belongs to account " + std::to_string(access_.owner));
  }
  if (expected.is_private && !access_.is_private) ThrowOthers("other accounts may enter it");
}

void OpenedFolder::ThrowOthers(const std::string& what) const {
  throw Error(ErrorKind::kIo,
              "The folder '" + path_ + "' is not the one that was made by this name: " + what +
                  ". Whoever may write to the folder above can replace it. Give a folder "
                  "(temp_dir, data_root) that is in no other account's.");
}

void OpenedFolder::Remove() const {
  for (const auto& entry : ListFolder(opened_path_).entries) RemoveTree(entry.path);
  struct stat named{};
  if (::lstat(path_.c_str(), &named) == 0 && IsSame(named, StatusOf(descriptor_)))
    RemoveEmptyFolder(path_);
}

}  // namespace smallpond
