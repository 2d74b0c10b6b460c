#pragma once

#include <cstdint>
#include <string>

namespace smallpond {

/// Who may enter a folder of ours, as whoever made it saw it. A network file system may give what
/// an account makes to another one.
struct FolderAccess {
  uint32_t owner = 0;
  /// Whether only the owner may. False where the file system keeps no such modes.
  bool is_private = false;
};

/// A folder of this account's own that is held open: whatever somebody who may write to the folder
/// above puts in its place later, what is done by its `opened_path` is done in this one. Any thread
/// may use it; a process that is forked off must not.
class OpenedFolder {
 public:
  /// Makes a folder that only this account may enter, in a folder that is there, and opens it.
  /// Throws Io, also where anything has the name, or where somebody put another folder in its place
  /// meanwhile.
  static OpenedFolder Make(const std::string& path);
  /// Opens a folder that a process of this account made and saw so: of that owner or of this
  /// account, and open to others only if it was. Throws Io, which says whose it is instead.
  static OpenedFolder Open(const std::string& path, const FolderAccess& access);

  OpenedFolder(OpenedFolder&& other) noexcept;
  OpenedFolder& operator=(OpenedFolder&&) = delete;
  ~OpenedFolder();

  /// What the folder is called, here and elsewhere. Errors show it where `opened_path` stands.
  const std::string& path() const { return path_; }
  /// Leads this process to the folder, whatever has its name; `path` where the system has no such
  /// path (/proc is missing).
  const std::string& opened_path() const { return opened_path_; }
  const FolderAccess& access() const { return access_; }

  /// Removes what is in the folder, and its name if it still has it.
  void Remove() const;

 private:
  OpenedFolder(std::string path, int descriptor);

  void CheckIsNew();
  void CheckAccess(const FolderAccess& expected);
  [[noreturn]] void ThrowOthers(const std::string& what) const;

  std::string path_;
  int descriptor_;
  std::string opened_path_;
  FolderAccess access_;
};

}  // namespace smallpond
