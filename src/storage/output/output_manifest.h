#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smallpond/column.h"

namespace smallpond {

/// One committed file of an output folder.
struct OutputFile {
  std::string name;  ///< Path below the folder, for example "part-00000-1f3a9c02.parquet".
  /// The folder that it was written in, as a path from the output folder: that of the attempt, or
  /// one below it.
  std::string attempt;
  uint64_t bytes = 0;
  std::string hash = {};  ///< Of its content, as HashFile gives it; empty where nobody noted it.

  /// Where it was written, as a path from the output folder. Gone once it is published.
  std::string staged() const { return attempt + "/" + name + kStagedEnding; }
  /// DuckDB tells a file's compression by its name, up to a question mark.
  static constexpr const char* kStagedEnding = "?writing";
  /// The name of the attempt's own folder.
  std::string AttemptFolder() const;
};

/// A column whose values are in the names of folders, key=value, and not in the files.
struct PartitionColumn {
  std::string name;
  std::string key;   ///< Its name as folders have it: escaped as in a URL.
  std::string type;  ///< DuckDB's.

  bool operator==(const PartitionColumn&) const = default;
};

/// What a version of an output folder consists of. Immutable: a version is created once, by whoever
/// comes first, and never rewritten.
///
///     out/part-00000-1f3a9c02.parquet       what any reader sees
///     out/_smallpond/manifest-0000000007/…  the version as text; the highest is the content
///     out/_smallpond/published-0000000007/  its files have their final names, older ones are gone
///     .out.attempt-1f3a9c02-…/              files being written
///
/// Everything below _smallpond is an empty folder, the text stands in their names (folder_text.h):
/// no reader of the folder, whatever its pattern, finds a file there. Attempts lie beside the
/// folder, on its file system, or below _smallpond where that can't be. Folders of earlier versions
/// of smallpond have files for manifests.
struct OutputManifest {
  int64_t version = 0;  ///< From 1.
  std::string job_id;
  std::vector<OutputFile> files;
  std::vector<PartitionColumn> partition_by = {};  ///< What the files' folders stand for.
  bool has_rows = true;                            ///< Without rows one file tells the columns.
  /// The columns of every file, with those that folders stand for, and DuckDB's types. Empty: not
  /// known, as for folders of earlier versions of smallpond.
  std::vector<Column> columns = {};
  std::string dialect = {};              ///< How the files are written, where that can differ.
  std::optional<int64_t> num_rows = {};  ///< Of all files; empty as for `columns`.
  /// What an append adds to: the files of version `version`, the first `num_files` of `files`,
  /// which stand in that version's manifest and not again in this one.
  struct Base {
    int64_t version = 0;
    size_t num_files = 0;
  };
  std::optional<Base> base = {};
  int num_bases = 0;  ///< Manifests that have to be read besides this one.

  /// Whether an append may refer to this version, instead of listing its files again.
  bool may_be_base = true;
};

/// The folder's metadata, relative to the output folder.
inline constexpr const char* kOutputMetadataFolder = "_smallpond";

/// Returns the highest version of the output folder `folder`, or nothing where smallpond never
/// committed to it. Throws Io where it can't be read, Internal where a manifest is not ours.
std::optional<OutputManifest> ReadLatestManifest(const std::string& folder);

/// Returns all versions whose manifests are still there, oldest first.
std::vector<OutputManifest> ReadManifests(const std::string& folder);

/// Creates the manifest's version in the folder. Returns false where that version or a later one
/// exists already. It is made in `attempt_folder` first, with which goes what a crash leaves, and
/// gets its name by CreateFolderText. Durable when it returns. Throws Io.
bool CreateManifest(const std::string& folder, const OutputManifest& manifest,
                    const std::string& attempt_folder);

/// Whether the version's files have their final names and older ones are gone.
bool IsPublished(const std::string& folder, int64_t version);
void MarkPublished(const std::string& folder, int64_t version);

/// Returns the absolute paths of the files of `manifest`, in its order, each under the name that it
/// has right now. Those that a later version has replaced are gone.
std::vector<std::string> PathsNow(const std::string& folder, const OutputManifest& manifest);

/// Removes manifests before `version`, but for the latest `kKeptManifests` of them, and all that
/// are files, which other programs take for data.
void RemoveOldManifests(const std::string& folder, int64_t version);

}  // namespace smallpond
