#include "storage/input/input_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <regex>
#include <set>

#include "smallpond/error.h"
#include "storage/files/attempt_owner.h"
#include "storage/files/file_system.h"
#include "storage/files/paths.h"
#include "storage/input/table_formats.h"
#include "storage/output/output_manifest.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

using Glob = std::function<std::vector<std::string>(const std::string& pattern)>;

// Names that begin with a dot or an underscore belong to the programs that wrote the folder, and so
// do checksums.
bool IsHidden(const std::string& name) {
  return name.starts_with('.') || name.starts_with('_') || name.ends_with(".crc");
}

// Whether a file in an output folder, by its name, is one that smallpond has not put there: neither
// for this version nor for one that is being written or removed now.
bool IsOfOthers(const std::string& name) {
  static const std::regex part(R"(part-[0-9]{5,}-[0-9a-f]{8,16}([-_][0-9]+)?\..*)");
  return !IsHidden(name) && !std::regex_match(name, part);
}

// Tells by its name whether a file of a folder is data of a format with these endings.
class DataNames {
 public:
  explicit DataNames(const std::vector<std::string>& endings) : endings_(endings) {
    for (const char* compression : {".gz", ".zst"}) {
      if (std::find(endings.begin(), endings.end(), endings[0] + compression) != endings.end()) {
        compressions_.emplace_back(compression);
      }
    }
  }

  bool Contain(std::string name) const {
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    auto has = [&](const std::string& ending) { return name.ends_with(ending); };
    if (std::any_of(endings_.begin(), endings_.end(), has)) return true;
    auto compression = std::find_if(compressions_.begin(), compressions_.end(), has);
    if (compression != compressions_.end()) name.resize(name.size() - compression->size());
    // Such as "part-0000" and "000000_0". A README is none.
    return name.find('.') == std::string::npos &&
           name.find_first_of("0123456789") != std::string::npos;
  }

 private:
  const std::vector<std::string>& endings_;
  std::vector<std::string> compressions_;  // Those that the format's files may have.
};

// Lists the files of a folder and of those below it.
class FolderLister {
 public:
  FolderLister(const DataNames& names, bool recursive, InputFiles& files)
      : names_(names), recursive_(recursive), files_(files) {}

  void List(const fs::path& folder) {
    fs::path real = RealPath(folder);
    // A link may lead back to a folder above it.
    if (std::find(open_.begin(), open_.end(), real) != open_.end()) return;
    if (auto committed = ReadLatestManifest(folder.string())) {
      for (const auto& path : PathsNow(folder.string(), *committed))
        files_.Add(path, committed->partition_by);
      NameOthers(folder);
      return;
    }
    open_.push_back(real);
    for (const auto& entry : Entries(folder)) Add(entry);
    open_.pop_back();
  }

  /// Notes what somebody else has put into an output folder.
  void NameOthers(const fs::path& folder) {
    FolderListing listing = ListFolder(folder);  // Another write may have removed it by now.
    SortByPath(listing.entries);
    for (const auto& entry : listing.entries) {
      std::string name = entry.name();
      if (entry.kind == FolderEntry::Kind::kFolder && IsPartitionFolder(name)) {
        NameOthers(entry.path);
      } else if (IsOfOthers(name)) {
        files_.unread.push_back(entry.path.string());
      }
    }
  }

 private:
  static std::vector<FolderEntry> Entries(const fs::path& folder) {
    FolderListing listing = ListFolder(folder);
    if (listing.error) {
      throw Error(ErrorKind::kIo, "The folder '" + folder.string() +
                                      "' can't be read: " + listing.error.message() + ".");
    }
    SortByPath(listing.entries);
    return std::move(listing.entries);
  }

  static void SortByPath(std::vector<FolderEntry>& entries) {
    std::sort(
        entries.begin(), entries.end(),
        [](const FolderEntry& left, const FolderEntry& right) { return left.path < right.path; });
  }

  void Add(const FolderEntry& entry) {
    const fs::path& path = entry.path;
    std::string name = entry.name();
    bool is_folder = entry.LeadsToFolder();
    bool is_partition = is_folder && IsPartitionFolder(name);
    // A partition's column may begin with an underscore: "_key=1".
    if (IsHidden(name) && !(is_partition && name[0] == '_')) return;
    if (is_folder) {
      if (recursive_ || is_partition) {
        List(path);
      } else {
        files_.unread.push_back(path.string() + "/");
      }
    } else if (names_.Contain(name)) {
      files_.Add(path.string());
    } else {
      files_.unread.push_back(path.string());
    }
  }

  const DataNames& names_;
  const bool recursive_;
  InputFiles& files_;
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

// Returns the pattern with brackets escaped in the names of its first folders, as long as there are
// folders of just these names: the folder "a[1]" is one, whatever "a1" is.
std::string WithFoldersThatExist(const std::string& pattern) {
  fs::path written;
  fs::path escaped;
  bool exists = true;
  for (const auto& part : fs::path(pattern)) {
    written /= part;
    exists = exists && part.string().find_first_of("*?") == std::string::npos && IsFolder(written);
    escaped /= exists ? fs::path(EscapePattern(part.string())) : part;
  }
  return escaped.string();
}

// Whether a path matches a pattern, part by part. "**" stands for any number of folders.
bool Matches(fs::path::iterator pattern, const fs::path::iterator& pattern_end,
             fs::path::iterator path, const fs::path::iterator& path_end) {
  for (; pattern != pattern_end; ++pattern, ++path) {
    if (*pattern == "**") {
      auto rest = std::next(pattern);
      for (;; ++path) {
        if (Matches(rest, pattern_end, path, path_end)) return true;
        if (path == path_end) return rest == pattern_end;
      }
    }
    if (path == path_end) return false;
    if (*pattern != *path && ::fnmatch(pattern->c_str(), path->c_str(), 0) != 0) return false;
  }
  return path == path_end;
}

bool Matches(const fs::path& pattern, const fs::path& path) {
  return Matches(pattern.begin(), pattern.end(), path.begin(), path.end());
}

// The output folder that a folder is, or is in. Empty where there is none.
fs::path OutputFolderOf(fs::path folder) {
  for (; folder.has_relative_path(); folder = folder.parent_path()) {
    if (ReadLatestManifest(folder.string())) return folder;
  }
  return {};
}

// The folders in `folder` for which `is_wanted` says so. None where it can't be read.
std::vector<fs::path> FoldersIn(const fs::path& folder,
                                const std::function<bool(const FolderEntry&)>& is_wanted) {
  std::vector<fs::path> found;
  for (const auto& entry : ListFolder(folder).entries) {
    if (entry.name() == kOutputMetadataFolder || !is_wanted(entry)) continue;
    if (entry.LeadsToFolder()) found.push_back(entry.path);
  }
  return found;
}

// The folders in `folders` whose names match a part of a pattern. For "**" those, and all below.
std::set<fs::path> FoldersMatching(const std::set<fs::path>& folders, const fs::path& part) {
  bool is_deep = part == "**";
  auto is_wanted = [&](const FolderEntry& entry) {
    if (is_deep) return entry.kind != FolderEntry::Kind::kLink;  // DuckDB follows none.
    return ::fnmatch(part.c_str(), entry.name().c_str(), 0) == 0;
  };
  std::set<fs::path> found;
  std::vector<fs::path> unread(folders.begin(), folders.end());
  while (!unread.empty()) {
    fs::path folder = std::move(unread.back());
    unread.pop_back();
    if (is_deep) found.insert(folder);
    auto inside = FoldersIn(folder, is_wanted);
    if (is_deep) {
      unread.insert(unread.end(), inside.begin(), inside.end());
    } else {
      found.insert(inside.begin(), inside.end());
    }
  }
  return found;
}

// The output folders that may hold matches of a pattern.
std::set<fs::path> OutputFolders(const std::string& pattern) {
  fs::path prefix = FixedFolder(pattern);
  fs::path above = OutputFolderOf(prefix);
  if (!above.empty()) return {above};
  std::set<fs::path> outputs;
  std::set<fs::path> folders = {prefix};
  fs::path rest = fs::path(pattern).lexically_relative(prefix);
  for (const auto& part : rest.parent_path()) {
    folders = FoldersMatching(folders, part);
    for (const auto& folder : folders) {
      if (ReadLatestManifest(folder.string())) outputs.insert(folder);
    }
  }
  return outputs;
}

bool IsBelow(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

// The files of the latest version of an output folder whose final names are wanted.
void AddCommitted(const fs::path& folder, const std::function<bool(const fs::path&)>& is_wanted,
                  InputFiles& files) {
  auto manifest = ReadLatestManifest(folder.string());
  if (!manifest) return;
  auto paths = PathsNow(folder.string(), *manifest);
  for (size_t i = 0; i < paths.size(); ++i) {
    if (is_wanted(folder / manifest->files[i].name)) files.Add(paths[i], manifest->partition_by);
  }
}

// Whether a file is being written, or a note of the folder around it.
bool IsMetadata(const fs::path& path) {
  return std::any_of(path.begin(), path.end(), [](const fs::path& part) {
    return part == kOutputMetadataFolder || IsSiblingAttempt(part.string());
  });
}

// The matches of a pattern: of output folders those in their latest versions, whatever names these
// have right now, and of other folders the files that are there.
void AddMatches(const std::string& pattern, const Glob& glob, InputFiles& files) {
  auto outputs = OutputFolders(pattern);
  for (const auto& folder : outputs) {
    AddCommitted(folder, [&](const fs::path& path) { return Matches(pattern, path); }, files);
  }
  for (const auto& file : glob(pattern)) {
    if (IsMetadata(file)) continue;
    bool is_in_output = std::any_of(outputs.begin(), outputs.end(),
                                    [&](const fs::path& folder) { return IsBelow(file, folder); });
    if (!is_in_output) {
      files.Add(file);
    } else if (IsOfOthers(fs::path(file).filename().string())) {
      files.unread.push_back(file);
    }
  }
}

// Adds the files of a folder that is a part of an output folder, such as one partition's. Adds none
// where the output folder has nothing there.
void AddPartOfOutput(const std::string& path, InputFiles& files) {
  fs::path part = fs::path(path + "/").parent_path();
  fs::path output = OutputFolderOf(part);
  if (output.empty() || output == part) return;
  AddCommitted(output, [&](const fs::path& file) { return IsBelow(file, part); }, files);
}

[[noreturn]] void ThrowNoData(const std::string& folder, const std::string& ending,
                              const std::vector<std::string>& unread) {
  std::string why = TableFormats().WhyUnreadable(fs::path(folder + "/").parent_path());
  if (!why.empty()) throw Error(ErrorKind::kUnsupported, why);
  throw Error(ErrorKind::kInvalidInput,
              "The folder '" + folder + "' holds no file that ends in " + ending + "; it holds " +
                  std::to_string(unread.size()) + " others" +
                  (unread.empty() ? "" : ", such as '" + unread[0] + "'") +
                  ". Name the files with a glob, or use recursive for folders below it.");
}

}  // namespace

bool IsNoFileOfItsOwn(const std::string& path) {
  bool is_of_this_process =
      path.starts_with("/dev/std") || path.starts_with("/dev/fd/") || path.starts_with("/proc/");
  return Exists(path) && !IsFolder(path) && (is_of_this_process || !IsRegularFile(path));
}

void InputFiles::Add(const std::string& path, const std::vector<PartitionColumn>& columns) {
  if (paths.empty()) {
    partition_by = columns;
  } else if (partition_by != columns) {
    partition_by.clear();
  }
  paths.push_back(path);
}

InputFiles ListInputFiles(
    const std::vector<std::string>& paths, const std::vector<std::string>& endings, bool recursive,
    const std::function<std::vector<std::string>(const std::string& pattern)>& glob) {
  if (paths.empty()) {
    throw Error(ErrorKind::kInvalidInput, "The list of paths is empty. Give at least one path.");
  }
  InputFiles files;
  DataNames names(endings);
  for (const auto& path : paths) {
    size_t before = files.paths.size();
    if (IsRemote(path)) {
      files.Add(path);
    } else if (IsFolder(path)) {
      AddPartOfOutput(path, files);
      FolderLister lister(names, recursive, files);
      bool is_part_of_output = files.paths.size() > before;
      is_part_of_output ? lister.NameOthers(path) : lister.List(path);
      if (files.paths.size() == before) ThrowNoData(path, endings[0], files.unread);
    } else if (Exists(path)) {
      if (IsNoFileOfItsOwn(path)) {
        for (const auto& file : glob(path)) files.Add(file);
      } else {
        files.Add(path);
      }
    } else {
      AddMatches(WithFoldersThatExist(path), glob, files);
    }
    if (files.paths.size() == before) {
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
