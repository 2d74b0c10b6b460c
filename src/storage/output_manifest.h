#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smallpond {

/// One committed file of an output folder.
struct OutputFile {
  std::string name;    ///< Path below the folder, for example "part-00000-1f3a9c02.parquet".
  std::string staged;  ///< Where it was written, below the folder too. Gone once it is published.
  uint64_t bytes = 0;
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
///     out/part-00000-1f3a9c02.parquet      what any glob sees
///     out/_smallpond/manifest-0000000007   JSON, one a version; the highest is the content
///     out/_smallpond/published-0000000007  its files have their final names, older ones are gone
///     out/_smallpond/attempt-1f3a9c02/…    files being written
///
/// No name below _smallpond has the ending of a data file, so that no pattern for those matches.
struct OutputManifest {
  int64_t version = 0;  ///< From 1.
  std::string job_id;
  std::vector<OutputFile> files;
  std::vector<PartitionColumn> partition_by = {};  ///< What the files' folders stand for.
  bool has_rows = true;                            ///< Without rows one file tells the columns.
};

/// The folder's metadata, relative to the output folder.
inline constexpr const char* kOutputMetadataFolder = "_smallpond";

/// Returns the highest version of the output folder `folder`, or nothing where smallpond never
/// committed to it. Throws Io where it can't be read, Internal where a manifest is not ours.
std::optional<OutputManifest> ReadLatestManifest(const std::string& folder);

/// Returns all versions whose manifests are still there, oldest first.
std::vector<OutputManifest> ReadManifests(const std::string& folder);

/// Creates the manifest's version in the folder. Returns false where that version or a later one
/// exists already. It is written in `attempt_folder` first, with which goes what a crash leaves.
/// Durable when it returns. Throws Io.
bool CreateManifest(const std::string& folder, const OutputManifest& manifest,
                    const std::string& attempt_folder);

/// Whether the version's files have their final names and older ones are gone.
bool IsPublished(const std::string& folder, int64_t version);
void MarkPublished(const std::string& folder, int64_t version);

/// Returns the absolute paths of the committed files of `folder`, each under the name that it has
/// right now, or nothing where smallpond never committed to the folder.
std::optional<std::vector<std::string>> CommittedFiles(const std::string& folder);

/// The same for the files of `manifest`, in its order. Those that a later version has replaced are
/// gone.
std::vector<std::string> PathsNow(const std::string& folder, const OutputManifest& manifest);

/// Removes manifests before `version`, but for the latest `kKeptManifests` of them.
void RemoveOldManifests(const std::string& folder, int64_t version);

}  // namespace smallpond
