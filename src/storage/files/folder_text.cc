#include "storage/files/folder_text.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "storage/files/file_system.h"
#include "storage/files/io_error.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPieceBytes = 180;  // 240 characters, and names may have 255.
constexpr size_t kNumberDigits = 6;

std::string PieceName(size_t number, std::string_view bytes) {
  std::string digits = std::to_string(number);
  digits.insert(0, kNumberDigits - std::min(kNumberDigits, digits.size()), '0');
  return digits + "-" + Base64Url(bytes);
}

}  // namespace

void MakeFolderText(const fs::path& path, const std::string& text) {
  std::error_code error = MakeFolder(path);
  size_t number = 0;
  for (size_t i = 0; !error && i < text.size(); i += kPieceBytes) {
    error = MakeFolder(path / PieceName(number++, std::string_view(text).substr(i, kPieceBytes)));
  }
  if (error) ThrowIo("Making the folder", path, error);
  SyncFolders({path.string()});
}

std::error_code CreateFolderText(const fs::path& made, const fs::path& path) {
  // No rename replaces a folder that holds something.
  std::error_code error = Rename(made, path);
  // A network file system may do it, lose the answer, and fail the same request sent again. Nobody
  // else knows the name `made`, so where that is gone, the folder of the other name is this one.
  if (error == std::errc::no_such_file_or_directory && !Exists(made) && Exists(path)) return {};
  // The name may be a file's, by an earlier smallpond.
  bool is_file = error == std::errc::not_a_directory;
  return is_file ? std::make_error_code(std::errc::file_exists) : error;
}

std::optional<std::string> ReadFolderText(const fs::path& path) {
  FolderListing listing = ListFolder(path);
  if (listing.is_missing()) return std::nullopt;
  if (listing.error) ThrowIo("Reading the folder", path, listing.error);
  std::vector<std::string> names;
  for (const auto& entry : listing.entries) names.push_back(entry.name());
  std::sort(names.begin(), names.end());
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    std::string number = PieceName(i, "");
    if (!names[i].starts_with(number)) break;
    auto piece = FromBase64Url(std::string_view(names[i]).substr(number.size()));
    if (!piece) break;
    text += *piece;
  }
  return text;
}

void RemoveFolderText(const fs::path& path, const fs::path& aside) {
  [[maybe_unused]] std::error_code ignored = Rename(path, aside);
  RemoveTree(aside);
}

}  // namespace smallpond
