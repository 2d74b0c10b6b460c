#include "storage/output/output_manifest.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <system_error>

#include "smallpond/error.h"
#include "storage/files/attempt_owner.h"
#include "storage/files/file_system.h"
#include "storage/files/folder_text.h"
#include "storage/files/io_error.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int kFormat = 4;  // Of one with a base; others are of the one before.
constexpr int kMaxCreateTries = 10;
// Manifests that have to be read for one version, besides its own.
constexpr int kMostBases = 8;
// So that leftovers of an interrupted publisher are known as ours, and what these are based on.
constexpr int64_t kKeptManifests = 16 + kMostBases;
constexpr const char* kManifestPrefix = "manifest-";
constexpr const char* kPublishedPrefix = "published-";
constexpr const char* kRemovedPrefix = "removed-";

std::string VersionName(const char* prefix, int64_t version) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%010lld", static_cast<long long>(version));
  return std::string(prefix) + digits;
}

fs::path MetadataPath(const std::string& folder, const std::string& name) {
  return fs::path(folder) / kOutputMetadataFolder / name;
}

// Whether a name stays below the folder that it starts from. A folder that came from elsewhere may
// say otherwise, and what stands in a manifest is read and later removed.
bool IsBelow(const std::string& name) {
  fs::path path(name);
  return !name.empty() && path.is_relative() && path.has_filename() &&
         std::find(path.begin(), path.end(), "..") == path.end();
}

bool IsAttemptFolder(const std::string& name) {
  if (!name.starts_with("../")) return IsBelow(name);
  std::string sibling = name.substr(3);
  return IsBelow(sibling) && IsSiblingAttempt(fs::path(sibling).begin()->string());
}

std::vector<int64_t> Versions(const std::string& folder) {
  std::vector<int64_t> versions;
  fs::path metadata = fs::path(folder) / kOutputMetadataFolder;
  FolderListing listing = ListFolder(metadata);
  // Only a folder without metadata is another program's. One whose metadata can't be read may be
  // half replaced.
  if (listing.is_missing()) return versions;
  if (listing.error) ThrowIo("Reading the folder", metadata, listing.error);
  for (const auto& entry : listing.entries) {
    std::string name = entry.name();
    if (!name.starts_with(kManifestPrefix) || name.find('.') != std::string::npos) continue;
    versions.push_back(std::atoll(name.c_str() + std::strlen(kManifestPrefix)));
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

// Those of earlier versions of smallpond are files.
std::optional<std::string> ReadManifestText(const fs::path& path) {
  if (IsFolder(path)) return ReadFolderText(path);
  std::string text;
  if (ReadText(path, text)) return std::nullopt;
  return text;
}

// Of the first format: each file with its whole staged name.
std::vector<OutputFile> FilesOfFormat1(const Json& json) {
  std::vector<OutputFile> files;
  for (const auto& file : json.at("files")) {
    OutputFile found{file.at("name").get<std::string>(), "", file.at("bytes").get<uint64_t>()};
    std::string staged = file.at("staged").get<std::string>();
    std::string end = "/" + found.name + OutputFile::kStagedEnding;
    // What is not named so can't be published any more; its final name still counts.
    found.attempt = staged.ends_with(end) ? staged.substr(0, staged.size() - end.size()) : staged;
    files.push_back(std::move(found));
  }
  return files;
}

// The attempt's own folder, and the one below it, which may be "".
std::pair<std::string, std::string> SplitAttempt(const std::string& attempt) {
  std::string folder = OutputFile{"", attempt}.AttemptFolder();
  size_t end = attempt.find(folder) + folder.size();
  return {attempt.substr(0, end), attempt.substr(std::min(end + 1, attempt.size()))};
}

std::vector<OutputFile> FilesOf(const Json& json) {
  std::vector<OutputFile> files;
  for (const auto& attempt : json.at("attempts")) {
    std::string folder = attempt.at("folder").get<std::string>();
    for (const auto& file : attempt.at("files")) {
      files.push_back({file.at(0).get<std::string>(), folder, file.at(1).get<uint64_t>()});
      std::string below = file.size() > 2 ? file.at(2).get<std::string>() : "";
      if (file.size() > 3) files.back().hash = file.at(3).get<std::string>();
      if (!below.empty()) files.back().attempt += "/" + below;
    }
  }
  return files;
}

OutputManifest FromJson(const Json& json, int64_t version, const std::string& path) {
  int format = json.at("format").get<int>();
  if (format > kFormat) {
    throw Error(ErrorKind::kUnsupported,
                "'" + path + "' was written by a newer smallpond. Update this one.");
  }
  OutputManifest manifest{version, json.at("job_id").get<std::string>(), {}};
  manifest.files = format == 1 ? FilesOfFormat1(json) : FilesOf(json);
  if (json.contains("base")) manifest.base = {json.at("base").get<int64_t>(), 0};
  if (manifest.base && (manifest.base->version < 1 || manifest.base->version >= version)) {
    throw Error(ErrorKind::kInternal, "'" + path +
                                          "' is not a manifest of smallpond: it adds to version " +
                                          std::to_string(manifest.base->version) + ".");
  }
  manifest.has_rows = json.value("has_rows", true);
  manifest.dialect = json.value("dialect", "");
  if (json.contains("rows")) manifest.num_rows = json.at("rows").get<int64_t>();
  for (const auto& column : json.value("columns", Json::array()))
    manifest.columns.push_back({column.at(0).get<std::string>(), column.at(1).get<std::string>()});
  for (const auto& column : json.value("partition_by", Json::array())) {
    manifest.partition_by.push_back({column.at("name").get<std::string>(),
                                     column.at("key").get<std::string>(),
                                     column.at("type").get<std::string>()});
  }
  for (const auto& file : manifest.files) {
    if (IsBelow(file.name) && IsAttemptFolder(file.attempt)) continue;
    throw Error(ErrorKind::kInternal, "'" + path + "' is not a manifest of smallpond: the file '" +
                                          file.name + "' is outside its folder.");
  }
  return manifest;
}

Json ToJson(const OutputManifest& manifest) {
  Json json = {{"format", manifest.base ? kFormat : kFormat - 1},
               {"version", manifest.version},
               {"job_id", manifest.job_id}};
  if (manifest.base) json["base"] = manifest.base->version;
  json["attempts"] = Json::array();
  for (size_t i = manifest.base ? manifest.base->num_files : 0; i < manifest.files.size(); ++i) {
    const auto& file = manifest.files[i];
    auto [folder, below] = SplitAttempt(file.attempt);
    if (json["attempts"].empty() || json["attempts"].back()["folder"] != folder)
      json["attempts"].push_back({{"folder", folder}, {"files", Json::array()}});
    json["attempts"].back()["files"].push_back({file.name, file.bytes, below, file.hash});
  }
  if (!manifest.has_rows) json["has_rows"] = false;
  if (!manifest.dialect.empty()) json["dialect"] = manifest.dialect;
  if (manifest.num_rows) json["rows"] = *manifest.num_rows;
  for (const auto& column : manifest.columns)
    json["columns"].push_back(Json::array({column.name, column.type}));
  for (const auto& column : manifest.partition_by) {
    json["partition_by"].push_back(
        {{"name", column.name}, {"key", column.key}, {"type", column.type}});
  }
  return json;
}

std::optional<OutputManifest> ReadManifest(const std::string& folder, int64_t version,
                                           const std::vector<OutputManifest>& earlier);

// Puts the files of the version that a manifest adds to before its own. Nothing where that one is
// gone.
std::optional<OutputManifest> WithFilesOfBase(const std::string& folder, OutputManifest manifest,
                                              const std::vector<OutputManifest>& earlier) {
  manifest.may_be_base =
      IsFolder(MetadataPath(folder, VersionName(kManifestPrefix, manifest.version)));
  if (!manifest.base) return manifest;
  auto is_base = [&](const OutputManifest& other) {
    return other.version == manifest.base->version;
  };
  auto read = std::find_if(earlier.begin(), earlier.end(), is_base);
  std::optional<OutputManifest> base;
  if (read != earlier.end()) base = *read;
  if (!base) base = ReadManifest(folder, manifest.base->version, earlier);
  if (!base) return std::nullopt;
  manifest.base->num_files = base->files.size();
  manifest.num_bases = base->num_bases + 1;
  manifest.may_be_base = manifest.may_be_base && manifest.num_bases < kMostBases;
  manifest.files.insert(manifest.files.begin(), base->files.begin(), base->files.end());
  return manifest;
}

// Returns nothing where the manifest was removed meanwhile, by a later commit. `earlier` are those
// that are read already.
std::optional<OutputManifest> ReadManifest(const std::string& folder, int64_t version,
                                           const std::vector<OutputManifest>& earlier) {
  fs::path path = MetadataPath(folder, VersionName(kManifestPrefix, version));
  auto text = ReadManifestText(path);
  if (!text) return std::nullopt;
  try {
    OutputManifest manifest = FromJson(Json::parse(*text), version, path.string());
    return WithFilesOfBase(folder, std::move(manifest), earlier);
  } catch (const Json::exception& error) {
    // A folder is renamed before what is in it goes, and may have been listed then.
    if (!Exists(path)) return std::nullopt;
    throw Error(ErrorKind::kInternal,
                "'" + path.string() + "' is not a manifest of smallpond: " + error.what());
  }
}

void RemoveNote(const std::string& folder, const std::string& name) {
  RemoveFolderText(MetadataPath(folder, name), MetadataPath(folder, kRemovedPrefix + name));
}

}  // namespace

std::string OutputFile::AttemptFolder() const {
  for (const auto& part : fs::path(attempt)) {
    if (IsAttempt(part.string()) || IsSiblingAttempt(part.string())) return part.string();
  }
  return fs::path(attempt).filename().string();
}

std::optional<OutputManifest> ReadLatestManifest(const std::string& folder) {
  // The highest may be removed between listing and reading only if a higher one came: look again.
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto versions = Versions(folder);
    if (versions.empty()) return std::nullopt;
    if (auto manifest = ReadManifest(folder, versions.back(), {})) return manifest;
  }
  throw Error(ErrorKind::kIo,
              "The versions of '" + folder + "' change faster than they can be read.");
}

std::vector<OutputManifest> ReadManifests(const std::string& folder) {
  std::vector<OutputManifest> manifests;
  for (int64_t version : Versions(folder)) {
    if (auto manifest = ReadManifest(folder, version, manifests))
      manifests.push_back(std::move(*manifest));
  }
  return manifests;
}

bool CreateManifest(const std::string& folder, const OutputManifest& manifest,
                    const std::string& attempt_folder) {
  fs::path path = MetadataPath(folder, VersionName(kManifestPrefix, manifest.version));
  fs::path temporary =
      fs::path(attempt_folder) / (kManifestPrefix + std::to_string(std::random_device()()));
  constexpr auto kReplace = Json::error_handler_t::replace;  // Bytes that are no UTF-8.
  MakeFolderText(temporary, ToJson(manifest).dump(-1, ' ', false, kReplace));
  // A version long ago has no manifest any more, so that its name is free again.
  auto versions = Versions(folder);
  if (!versions.empty() && versions.back() >= manifest.version) {
    RemoveTree(temporary);
    return false;
  }
  MarkCommitting(attempt_folder);
  std::error_code error = CreateFolderText(temporary, path);
  // A first writer that failed removed the folders that it had made, unless somebody used them.
  for (int attempt = 0;
       attempt < kMaxCreateTries && error == std::errc::no_such_file_or_directory &&
       manifest.version == 1 && Exists(temporary);
       ++attempt) {
    [[maybe_unused]] std::error_code ignored = MakeFolders(path.parent_path());
    error = CreateFolderText(temporary, path);
  }
  if (!error) {
    try {
      SyncFolders({path.parent_path().string()});
    } catch (const Error&) {  // It is committed all the same.
    }
    return true;
  }
  RemoveTree(temporary);
  UnmarkCommitting(attempt_folder);
  if (error == std::errc::file_exists) return false;
  ThrowIo("Committing", path, error);
}

bool IsPublished(const std::string& folder, int64_t version) {
  return Exists(MetadataPath(folder, VersionName(kPublishedPrefix, version)));
}

void MarkPublished(const std::string& folder, int64_t version) {
  fs::path path = MetadataPath(folder, VersionName(kPublishedPrefix, version));
  if (std::error_code error = MakeFolder(path)) ThrowIo("Creating", path, error);
}

std::vector<std::string> PathsNow(const std::string& folder, const OutputManifest& manifest) {
  bool published = IsPublished(folder, manifest.version);
  std::vector<std::string> paths;
  for (const auto& file : manifest.files) {
    fs::path path = fs::path(folder) / file.name;
    if (!published && !Exists(path)) {
      fs::path staged = fs::path(folder) / file.staged();
      // Between the two looks it may have been published.
      if (Exists(staged)) path = staged;
    }
    paths.push_back(path.string());
  }
  return paths;
}

void RemoveOldManifests(const std::string& folder, int64_t version) {
  auto versions = Versions(folder);
  for (size_t i = 0; i < versions.size() && versions[i] < version; ++i) {
    std::string manifest = VersionName(kManifestPrefix, versions[i]);
    bool is_folder = IsFolder(MetadataPath(folder, manifest));
    if (is_folder && i + kKeptManifests >= versions.size()) continue;
    RemoveNote(folder, VersionName(kPublishedPrefix, versions[i]));
    RemoveNote(folder, manifest);
  }
  // What somebody left who died over it.
  for (const auto& entry : ListFolder(fs::path(folder) / kOutputMetadataFolder).entries) {
    if (entry.name().starts_with(kRemovedPrefix)) RemoveTree(entry.path);
  }
}

}  // namespace smallpond
