#include "storage/output/folder_text.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/base64.h"
#include "smallpond/error.h"
#include "storage/files/durable.h"
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
  std::error_code error;
  fs::create_directory(path, error);
  size_t number = 0;
  for (size_t i = 0; !error && i < text.size(); i += kPieceBytes) {
    fs::create_directory(path / PieceName(number++, std::string_view(text).substr(i, kPieceBytes)),
                         error);
  }
  if (error) ThrowIo("Making the folder", path, error);
  SyncFolders({path.string()});
}

std::optional<std::string> ReadFolderText(const fs::path& path) {
  std::error_code error;
  std::vector<std::string> names;
  fs::directory_iterator entry(path, error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
    return std::nullopt;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) ThrowIo("Reading the folder", path, error);
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

}  // namespace smallpond
