#include "storage/paths.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "smallpond/error.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

bool EndsWithOneOf(const std::string& name, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](const std::string& ending) { return name.ends_with(ending); });
}

// Names that begin with a dot or an underscore belong to the programs that wrote the folder.
bool IsHidden(const std::string& name) { return name.starts_with('.') || name.starts_with('_'); }

// DuckDB reads *, ? and [ as a pattern; in brackets they stand for themselves.
std::string EscapePattern(const std::string& path) {
  std::string out;
  for (char c : path) {
    if (c == '*' || c == '?' || c == '[') {
      out += std::string("[") + c + "]";
    } else {
      out += c;
    }
  }
  return out;
}

void ListFolder(const fs::path& folder, const std::vector<std::string>& endings, bool recursive,
                std::vector<std::string>& files, size_t& others) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error)
    throw Error(ErrorKind::kIo,
                "The folder '" + folder.string() + "' can't be read: " + error.message() + ".");
  std::vector<fs::path> sorted;
  for (const auto& entry : entries) sorted.push_back(entry.path());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& path : sorted) {
    std::string name = path.filename().string();
    if (IsHidden(name)) continue;
    if (fs::is_directory(path, error)) {
      bool is_hive = name.find('=') != std::string::npos;
      if (recursive || is_hive) ListFolder(path, endings, recursive, files, others);
    } else if (EndsWithOneOf(name, endings)) {
      files.push_back(EscapePattern(path.string()));
    } else {
      ++others;
    }
  }
}

}  // namespace

bool IsRemote(const std::string& path) { return path.find("://") != std::string::npos; }

std::string ResolvePath(const std::string& path, const std::string& base) {
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

std::vector<std::string> ExpandFolders(const std::vector<std::string>& paths,
                                       const std::string& base,
                                       const std::vector<std::string>& endings, bool recursive) {
  if (paths.empty())
    throw Error(ErrorKind::kInvalidInput, "The list of paths is empty. Give at least one path.");
  std::vector<std::string> patterns;
  for (const auto& path : paths) {
    if (path.empty())
      throw Error(ErrorKind::kInvalidInput, "A path is empty. Give a file, a glob or a folder.");
    std::string resolved = ResolvePath(path, base);
    std::error_code error;
    if (IsRemote(resolved) || !fs::exists(resolved, error)) {
      patterns.push_back(resolved);  // A glob, or DuckDB says that it is missing.
    } else if (!fs::is_directory(resolved, error)) {
      patterns.push_back(EscapePattern(resolved));
    } else {
      size_t before = patterns.size();
      size_t others = 0;
      ListFolder(resolved, endings, recursive, patterns, others);
      if (patterns.size() > before) continue;
      throw Error(
          ErrorKind::kInvalidInput,
          "The folder '" + resolved + "' holds no file that ends in " + endings[0] + "; it holds " +
              std::to_string(others) +
              " others. Name the files with a glob, or use recursive for folders below it.");
    }
  }
  return patterns;
}

}  // namespace smallpond
