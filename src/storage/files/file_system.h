#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace smallpond {

// All that smallpond does to files and folders by their names. A path says where they are; today
// that is a local or shared POSIX file system, and here is the place to look at its scheme. What is
// kept under names by other means stands beside this: folder_text.h, private_folder.h,
// file_identity.h, file_hash.h, open_file.h.
//
// Functions after which a caller goes on return a std::error_code, which is empty where they did
// what they say. Two errors are told apart, everywhere and whatever the store calls them:
//
//     std::errc::file_exists                something has the name already
//     std::errc::no_such_file_or_directory  the path, or the folder that it is to be in, is missing
//
// Any number of processes may call any of them at a time; names come and go in between. A name or
// content is on the disk, and outlives a loss of power, once it was synced.

// --- What is there

/// What stands in a folder under one name.
struct FolderEntry {
  enum class Kind { kFile, kFolder, kLink, kOther };  ///< kLink whatever it leads to.

  std::filesystem::path path;  ///< The folder's, as it was given, and the name in it.
  Kind kind = Kind::kOther;

  std::string name() const { return path.filename().string(); }
  /// Whether it is a folder or a link to one.
  bool LeadsToFolder() const;
};

/// What a folder holds, in no order.
struct FolderListing {
  std::vector<FolderEntry> entries;  ///< As far as it could be read.
  std::error_code error = {};        ///< Why no further.
  /// A folder below that this account may not read.
  std::optional<std::filesystem::path> unreadable = {};

  /// Whether there is no such folder, in difference to one that can't be read.
  bool is_missing() const;
};

FolderListing ListFolder(const std::filesystem::path& folder);

/// Lists a folder and all those below it, following no link. What `folder` has under the name
/// `passed_over` is left out, with all in it. Of a folder below that goes meanwhile, or that this
/// account may not read, only the name is listed.
FolderListing ListBelow(const std::filesystem::path& folder, const std::string& passed_over = "");

/// Whether a file or folder is there, at the end of all links. False where that can't be seen.
bool Exists(const std::filesystem::path& path);
/// Whether the name is taken, be it by a link that leads nowhere.
bool IsTaken(const std::filesystem::path& path);
bool IsFolder(const std::filesystem::path& path);
/// Whether it is a file with content of its own, and no pipe, device or socket.
bool IsRegularFile(const std::filesystem::path& path);

/// Returns what all files below a folder take up on the disk.
uint64_t BytesBelow(const std::filesystem::path& folder);
/// Returns how many bytes the disk has that a folder is on; nothing where that is not known.
std::optional<uint64_t> DiskBytes(const std::filesystem::path& folder);
/// Returns the one path of a file or folder that no link is in; an empty one where there is none.
std::filesystem::path RealPath(const std::filesystem::path& path);
/// Whether files of one folder can get names in the other by LinkFile.
bool AreOnOneDisk(const std::filesystem::path& folder, const std::filesystem::path& other);

// --- Content

/// Calls `take` with the file's content, piece by piece. What is no regular file is not read:
/// errors of OpenToRead.
[[nodiscard]] std::error_code ReadPieces(const std::filesystem::path& path,
                                         const std::function<void(std::string_view)>& take);
/// Reads a whole file, a small one, into `text`.
[[nodiscard]] std::error_code ReadText(const std::filesystem::path& path, std::string& text);

/// Creates a file with this content for this account alone, whole or not at all as far as anybody
/// sees who was told its name after this returned. Throws Io, also where anything has the name.
void WriteNew(const std::filesystem::path& path, const std::string& content);

/// A file that gets more and more lines. Each is handed to the system when it is added, so that all
/// but the last outlive this process however it ends. One thread uses it.
class AppendedFile {
 public:
  /// Opens the file, or creates it for this account alone. Throws Io.
  explicit AppendedFile(const std::filesystem::path& path);
  ~AppendedFile();
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  /// Throws Io.
  void Append(const std::string& text);

 private:
  const std::filesystem::path path_;
  const int file_;
};

// --- Folders

enum class Access { kPrivate, kShared };  ///< For this account alone; or as its umask says.

/// Makes a folder of a name that nothing has: of several that try one is told that it did, and the
/// others file_exists.
[[nodiscard]] std::error_code MakeNewFolder(const std::filesystem::path& path, Access access);
/// Makes a folder in one that is there, unless something has the name.
[[nodiscard]] std::error_code MakeFolder(const std::filesystem::path& path);
/// Makes a folder and those above it, as far as they are missing.
[[nodiscard]] std::error_code MakeFolders(const std::filesystem::path& path);
/// Lets those accounts into the folder `path` that may enter the folder `like`.
[[nodiscard]] std::error_code CopyAccess(const std::filesystem::path& like,
                                         const std::filesystem::path& path);

// --- Names

/// Gives a file a second name, in place of nothing: file_exists where anything has it, be it this
/// very file.
[[nodiscard]] std::error_code LinkFile(const std::filesystem::path& file,
                                       const std::filesystem::path& name);
/// Gives a file or folder another name, in one step. A file takes the place of a file that had the
/// name, a folder that of an empty one; file_exists where the name is a folder's that holds
/// something.
[[nodiscard]] std::error_code Rename(const std::filesystem::path& from,
                                     const std::filesystem::path& to);

// --- Going away. What is gone already is no error.

/// Removes a file, or a folder that holds nothing.
std::error_code RemoveFile(const std::filesystem::path& path);
/// Removes a folder that holds nothing. Returns whether it did.
bool RemoveEmptyFolder(const std::filesystem::path& path);
/// Removes a file, or a folder with all that is in it, links and not what they lead to. What can't
/// be removed stays.
void RemoveTree(const std::filesystem::path& path);

// --- The disk

/// Returns when the disk has the content of the files. Throws Io.
void SyncFiles(const std::vector<std::string>& paths);
/// Returns when the disk has the names that stand in the folders, as far as the file system can
/// promise that. A folder that is gone has none. Throws Io where it tried and failed.
void SyncFolders(const std::vector<std::string>& paths);

}  // namespace smallpond
