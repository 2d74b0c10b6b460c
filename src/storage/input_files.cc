#include "storage/input_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "smallpond/error.h"
#include "storage/output_manifest.h"
#include "storage/paths.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

bool EndsWithOneOf(const std::string& name, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](const std::string& ending) { return name.ends_with(ending); });
}

// Names that begin with a dot or an underscore belong to the programs that wrote the folder.
bool IsHidden(const std::string& name) { return name.starts_with('.') || name.starts_with('_'); }

// Lists the files of a folder and of those below it.
class FolderLister {
 public:
  FolderLister(const std::vector<std::string>& endings, bool recursive,
               std::vector<std::string>& files)
      : endings_(endings), recursive_(recursive), files_(files) {}

  void List(const fs::path& folder) {
    std::error_code error;
    fs::path real = fs::canonical(folder, error);
    // A link may lead back to a folder above it.
    if (std::find(open_.begin(), open_.end(), real) != open_.end()) return;
    if (auto committed = CommittedFiles(folder.string())) {
      files_.insert(files_.end(), committed->begin(), committed->end());
      return;
    }
    open_.push_back(real);
    for (const auto& path : Entries(folder)) Add(path);
    open_.pop_back();
  }

  /// How many files had other endings.
  size_t others() const { return others_; }

 private:
  static std::vector<fs::path> Entries(const fs::path& folder) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    if (error) {
      throw Error(ErrorKind::kIo,
                  "The folder '" + folder.string() + "' can't be read: " + error.message() + ".");
    }
    std::vector<fs::path> sorted;
    for (const auto& entry : entries) sorted.push_back(entry.path());
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }

  void Add(const fs::path& path) {
    std::string name = path.filename().string();
    std::error_code error;
    if (IsHidden(name)) return;
    if (fs::is_directory(path, error)) {
      bool is_hive = name.find('=') != std::string::npos;
      if (recursive_ || is_hive) List(path);
    } else if (EndsWithOneOf(name, endings_)) {
      files_.push_back(path.string());
    } else {
      ++others_;
    }
  }

  const std::vector<std::string>& endings_;
  const bool recursive_;
  std::vector<std::string>& files_;
  size_t others_ = 0;
  std::vector<fs::path> open_;  // The folders above the one that is being read.
};

// The longest folder of a pattern that has no pattern in its name.
fs::path FixedFolder(const std::string& pattern) {
  fs::path folder;
  for (const auto& part : fs::path(pattern).parent_path()) {
    if (part.string().find_first_of("*?[") != std::string::npos) break;
    folder /= part;
  }
  return folder;
}

// A pattern over a folder that smallpond writes: the files of one version whose final names match.
// Returns false where the folder is another program's, or the pattern crosses folders.
bool MatchCommitted(const std::string& pattern, std::vector<std::string>& files) {
  fs::path folder = FixedFolder(pattern);
  if (pattern.find("**") != std::string::npos) return false;
  auto manifest = ReadLatestManifest(folder.string());
  if (!manifest) return false;
  auto paths = PathsNow(folder.string(), *manifest);
  for (size_t i = 0; i < paths.size(); ++i) {
    std::string name = (folder / manifest->files[i].name).string();
    if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0) files.push_back(paths[i]);
  }
  return true;
}

bool IsMetadata(const std::string& path) {
  return path.find(std::string("/") + kOutputMetadataFolder + "/") != std::string::npos;
}

}  // namespace

std::vector<std::string> ListInputFiles(
    const std::vector<std::string>& paths, const std::vector<std::string>& endings, bool recursive,
    const std::function<std::vector<std::string>(const std::string& pattern)>& glob) {
  if (paths.empty()) {
    throw Error(ErrorKind::kInvalidInput, "The list of paths is empty. Give at least one path.");
  }
  std::vector<std::string> files;
  for (const auto& path : paths) {
    std::error_code error;
    size_t before = files.size();
    if (IsRemote(path)) {
      files.push_back(path);
    } else if (fs::is_directory(path, error)) {
      FolderLister lister(endings, recursive, files);
      lister.List(path);
      if (files.size() == before) {
        throw Error(
            ErrorKind::kInvalidInput,
            "The folder '" + path + "' holds no file that ends in " + endings[0] + "; it holds " +
                std::to_string(lister.others()) +
                " others. Name the files with a glob, or use recursive for folders below it.");
      }
    } else if (fs::exists(path, error)) {
      files.push_back(path);
    } else if (!MatchCommitted(path, files)) {
      for (const auto& file : glob(path)) {
        if (!IsMetadata(file)) files.push_back(file);
      }
    }
    if (files.size() == before) {
      bool is_pattern = path.find_first_of("*?[") != std::string::npos;
      throw Error(
          ErrorKind::kIo,
          (is_pattern ? "No file matches '" : "There is no file '") + path +
              "'. Check the path; a relative one starts at data_dir or the current folder.");
    }
  }
  return files;
}

}  // namespace smallpond
