#include "storage/output_manifest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <system_error>

#include "smallpond/error.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr int64_t kKeptManifests =
    16;  // So that leftovers of an interrupted publisher are known as ours.
constexpr const char* kManifestPrefix = "manifest-";
constexpr const char* kPublishedPrefix = "published-";

std::string VersionName(const char* prefix, int64_t version) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%010lld", static_cast<long long>(version));
  return std::string(prefix) + digits;
}

fs::path MetadataPath(const std::string& folder, const std::string& name) {
  return fs::path(folder) / kOutputMetadataFolder / name;
}

[[noreturn]] void ThrowErrno(const std::string& what, const fs::path& path) {
  throw Error(ErrorKind::kIo,
              what + " '" + path.string() + "' failed: " + std::strerror(errno) + ".");
}

// Writes the whole text and waits until the disk has it.
void WriteDurably(const fs::path& path, const std::string& text) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) ThrowErrno("Creating", path);
  size_t written = 0;
  while (written < text.size()) {
    ssize_t n = ::write(file, text.data() + written, text.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int error = errno;
      ::close(file);
      errno = error;
      ThrowErrno("Writing", path);
    }
    written += static_cast<size_t>(n);
  }
  bool durable = ::fsync(file) == 0;
  if (::close(file) != 0 || !durable) ThrowErrno("Writing", path);
}

// Whether a file's name stays below its folder. A folder that came from elsewhere may say
// otherwise, and what stands in a manifest is read and later removed.
bool IsBelowItsFolder(const std::string& name) {
  fs::path path(name);
  return !name.empty() && path.is_relative() && path.has_filename() &&
         std::find(path.begin(), path.end(), "..") == path.end();
}

std::vector<int64_t> Versions(const std::string& folder) {
  std::vector<int64_t> versions;
  std::error_code error;
  fs::path metadata = fs::path(folder) / kOutputMetadataFolder;
  auto entry = fs::directory_iterator(metadata, error);
  // Only a folder without metadata is another program's. One whose metadata can't be read may be
  // half replaced.
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
    return versions;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!name.starts_with(kManifestPrefix) || name.find('.') != std::string::npos) continue;
    versions.push_back(std::atoll(name.c_str() + std::strlen(kManifestPrefix)));
  }
  if (error) {
    throw Error(ErrorKind::kIo,
                "Reading the folder '" + metadata.string() + "' failed: " + error.message() + ".");
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

// Returns nothing where the manifest was removed meanwhile, by a later commit.
std::optional<OutputManifest> ReadManifest(const std::string& folder, int64_t version) {
  fs::path path = MetadataPath(folder, VersionName(kManifestPrefix, version));
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  try {
    auto json = nlohmann::json::parse(text.str());
    if (json.at("format").get<int>() > kFormat) {
      throw Error(ErrorKind::kUnsupported,
                  "'" + path.string() + "' was written by a newer smallpond. Update this one.");
    }
    OutputManifest manifest{version, json.at("job_id").get<std::string>(), {}};
    manifest.has_rows = json.value("has_rows", true);
    for (const auto& column : json.value("partition_by", nlohmann::json::array())) {
      manifest.partition_by.push_back({column.at("name").get<std::string>(),
                                       column.at("key").get<std::string>(),
                                       column.at("type").get<std::string>()});
    }
    for (const auto& file_json : json.at("files")) {
      manifest.files.push_back({file_json.at("name").get<std::string>(),
                                file_json.at("staged").get<std::string>(),
                                file_json.at("bytes").get<uint64_t>()});
      const OutputFile& file = manifest.files.back();
      if (IsBelowItsFolder(file.name) && IsBelowItsFolder(file.staged)) continue;
      throw Error(ErrorKind::kInternal, "'" + path.string() +
                                            "' is not a manifest of smallpond: the file '" +
                                            file.name + "' is outside its folder.");
    }
    return manifest;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInternal,
                "'" + path.string() + "' is not a manifest of smallpond: " + error.what());
  }
}

}  // namespace

std::optional<OutputManifest> ReadLatestManifest(const std::string& folder) {
  // The highest may be removed between listing and reading only if a higher one came: look again.
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto versions = Versions(folder);
    if (versions.empty()) return std::nullopt;
    if (auto manifest = ReadManifest(folder, versions.back())) return manifest;
  }
  throw Error(ErrorKind::kIo,
              "The versions of '" + folder + "' change faster than they can be read.");
}

std::vector<OutputManifest> ReadManifests(const std::string& folder) {
  std::vector<OutputManifest> manifests;
  for (int64_t version : Versions(folder)) {
    if (auto manifest = ReadManifest(folder, version)) manifests.push_back(std::move(*manifest));
  }
  return manifests;
}

bool CreateManifest(const std::string& folder, const OutputManifest& manifest,
                    const std::string& attempt_folder) {
  nlohmann::json json = {
      {"format", kFormat}, {"version", manifest.version}, {"job_id", manifest.job_id}};
  json["files"] = nlohmann::json::array();
  for (const auto& file : manifest.files) {
    json["files"].push_back({{"name", file.name}, {"staged", file.staged}, {"bytes", file.bytes}});
  }
  if (!manifest.has_rows) json["has_rows"] = false;
  for (const auto& column : manifest.partition_by) {
    json["partition_by"].push_back(
        {{"name", column.name}, {"key", column.key}, {"type", column.type}});
  }
  // link(2) creates the name with the whole content or not at all, also on network file systems.
  fs::path path = MetadataPath(folder, VersionName(kManifestPrefix, manifest.version));
  fs::path temporary =
      fs::path(attempt_folder) / ("manifest-" + std::to_string(std::random_device()()));
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;  // Bytes that are no UTF-8.
  WriteDurably(temporary, json.dump(1, ' ', false, kReplace) + "\n");
  // A version long ago has no manifest any more, so that its name is free again.
  auto versions = Versions(folder);
  if (!versions.empty() && versions.back() >= manifest.version) {
    ::unlink(temporary.c_str());
    return false;
  }
  bool created = ::link(temporary.c_str(), path.c_str()) == 0;
  int error = errno;
  // A network file system may do it, lose the answer, and fail the same request sent again. Nobody
  // else knows the temporary name, so a second name of it is the manifest's.
  struct stat status{};
  if (!created && ::stat(temporary.c_str(), &status) == 0 && status.st_nlink > 1) created = true;
  ::unlink(temporary.c_str());
  if (!created && error != EEXIST) {
    errno = error;
    ThrowErrno("Committing", path);
  }
  if (!created) return false;
  int metadata = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (metadata >= 0) {
    ::fsync(metadata);  // The name too. Not every file system can, and it is committed anyway.
    ::close(metadata);
  }
  return true;
}

bool IsPublished(const std::string& folder, int64_t version) {
  std::error_code error;
  return fs::exists(MetadataPath(folder, VersionName(kPublishedPrefix, version)), error);
}

void MarkPublished(const std::string& folder, int64_t version) {
  fs::path path = MetadataPath(folder, VersionName(kPublishedPrefix, version));
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) ThrowErrno("Creating", path);
  ::close(file);
}

std::optional<std::vector<std::string>> CommittedFiles(const std::string& folder) {
  auto manifest = ReadLatestManifest(folder);
  if (!manifest) return std::nullopt;
  return PathsNow(folder, *manifest);
}

std::vector<std::string> PathsNow(const std::string& folder, const OutputManifest& manifest) {
  bool published = IsPublished(folder, manifest.version);
  std::vector<std::string> paths;
  for (const auto& file : manifest.files) {
    std::error_code error;
    fs::path path = fs::path(folder) / file.name;
    if (!published && !fs::exists(path, error)) {
      fs::path staged = fs::path(folder) / file.staged;
      // Between the two looks it may have been published.
      if (fs::exists(staged, error)) path = staged;
    }
    paths.push_back(path.string());
  }
  return paths;
}

void RemoveOldManifests(const std::string& folder, int64_t version) {
  auto versions = Versions(folder);
  std::error_code ignored;
  for (size_t i = 0; i + kKeptManifests < versions.size(); ++i) {
    if (versions[i] >= version) break;
    fs::remove(MetadataPath(folder, VersionName(kPublishedPrefix, versions[i])), ignored);
    fs::remove(MetadataPath(folder, VersionName(kManifestPrefix, versions[i])), ignored);
  }
}

}  // namespace smallpond
