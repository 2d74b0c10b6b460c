#include "storage/files/paths.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "smallpond/error.h"

namespace smallpond {
namespace fs = std::filesystem;

bool IsRemote(const std::string& path) { return path.find("://") != std::string::npos; }

void CheckCanBeWritten(const std::string& path) {
  if (IsRemote(path)) {
    throw Error(
        ErrorKind::kUnsupported,
        "Writing to '" + path + "' is not in this version. Write to a local or mounted folder.");
  }
  EscapePattern(path);  // Throws where no reader could be told of it.
  if (!fs::path(path).lexically_normal().relative_path().empty()) return;
  throw Error(ErrorKind::kInvalidInput,
              "'" + path + "' holds everything that this machine has. Give a folder below it.");
}

std::string CompressionOfName(const std::string& name) {
  std::string lower = Lower(name);
  return lower.ends_with(".gz") ? "gzip" : lower.ends_with(".zst") ? "zstd" : "";
}

std::string ResolvePath(const std::string& path, const std::string& base) {
  if (path.empty()) {
    throw Error(ErrorKind::kInvalidInput, "The path is empty. Give a file, a glob or a folder.");
  }
  if (IsRemote(path)) return path;
  std::string expanded = path;
  if (path == "~" || path.starts_with("~/")) {
    const char* home = std::getenv("HOME");
    if (home) expanded = home + path.substr(1);
  }
  fs::path local(expanded);
  if (local.is_relative() && !base.empty()) local = fs::path(base) / local;
  return fs::absolute(local).lexically_normal().string();
}

std::string CurrentFolder() {
  std::error_code error;
  return fs::current_path(error).string();
}

bool IsPartitionFolder(const std::string& name) { return name.find('=') != std::string::npos; }

std::string EscapePattern(const std::string& path) {
  constexpr const char* kWildcards = "*?[";
  if (path.find_first_of(kWildcards) == std::string::npos) return path;
  if (path.find('\\') != std::string::npos) {
    throw Error(
        ErrorKind::kUnsupported,
        "The path '" + path +
            "' has a backslash and one of * ? [, which DuckDB reads as a pattern of several "
            "folders. Rename one of them.");
  }
  std::string out;
  for (char c : path)
    out += std::strchr(kWildcards, c) ? std::string("[") + c + "]" : std::string(1, c);
  return out;
}

}  // namespace smallpond
