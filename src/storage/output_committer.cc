#include "storage/output_committer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <random>
#include <set>
#include <system_error>
#include <thread>

#include "smallpond/error.h"
#include "storage/attempt_owner.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxAppendTries = 100;
constexpr int kMaxPublishTries = 100;
constexpr size_t kSyncThreads = 8;

[[noreturn]] void ThrowIo(const std::string& what, const fs::path& path,
                          const std::error_code& error) {
  throw Error(ErrorKind::kIo, what + " '" + path.string() + "' failed: " + error.message() + ".");
}

std::string RandomTag() {
  std::random_device device;
  std::string tag;
  for (int i = 0; i < 12; ++i) tag += "0123456789abcdef"[device() % 16];
  return tag;
}

// Waits until the disk has the files. Several at a time: each wait is a round trip on a shared file
// system.
void SyncFiles(const std::vector<std::string>& paths) {
  std::atomic<size_t> next{0};
  std::atomic<int> error{0};
  auto work = [&] {
    for (size_t i = next++; i < paths.size(); i = next++) {
      int file = ::open(paths[i].c_str(), O_RDONLY | O_CLOEXEC);
      if (file < 0 || ::fsync(file) != 0) error = errno;
      if (file >= 0) ::close(file);
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(kSyncThreads, paths.size()); ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  if (error != 0)
    throw Error(ErrorKind::kIo,
                std::string("Writing the output files failed: ") + std::strerror(error) + ".");
}

// Gives a committed file its final name. Another process may do the same, or have done it.
void PublishFile(const fs::path& folder, const OutputFile& file) {
  fs::path target = folder / file.name;
  fs::path staged = folder / file.staged;
  int code = 0;
  for (int attempt = 0; attempt < kMaxPublishTries; ++attempt) {
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (::link(staged.c_str(), target.c_str()) == 0 || errno == EEXIST) return;
    code = errno;
    if (code != ENOENT) break;
    // Published, and the staged name removed; or a later version replaced it already.
    if (!fs::exists(staged, error)) return;
    // The publisher of an earlier version removed the folder, which was empty: make it again.
  }
  ThrowIo("Publishing", target, std::error_code(code, std::generic_category()));
}

// Removes a file and the folders that become empty by it.
void RemoveFile(const fs::path& folder, const std::string& name) {
  std::error_code error;
  fs::remove(folder / name, error);
  if (error) ThrowIo("Removing", folder / name, error);
  for (fs::path parent = fs::path(name).parent_path(); !parent.empty();
       parent = parent.parent_path()) {
    if (::rmdir((folder / parent).c_str()) != 0) break;  // Not empty.
  }
}

void PublishLatest(const std::string& folder, const OutputCommitter::StepHook& step) {
  for (;;) {
    auto manifests = ReadManifests(folder);
    if (manifests.empty()) return;
    const OutputManifest& latest = manifests.back();
    std::set<std::string> names;
    for (const auto& file : latest.files) {
      names.insert(file.name);
      PublishFile(folder, file);
      if (step) step("linked");
    }
    for (const auto& manifest : manifests) {
      for (const auto& file : manifest.files) {
        if (names.count(file.name)) continue;
        RemoveFile(folder, file.name);
        if (step) step("removed");
      }
    }
    // A later version may have come meanwhile, whose publisher ran before our links.
    auto now = ReadLatestManifest(folder);
    if (now && now->version == latest.version) {
      MarkPublished(folder, latest.version);
      RemoveOldManifests(folder, latest.version);
      return;
    }
  }
}

// The attempts whose staged files the latest version still needs: those of a version that is not
// published.
std::set<std::string> AttemptsInUse(const std::string& folder) {
  std::set<std::string> attempts;
  auto latest = ReadLatestManifest(folder);
  if (!latest || IsPublished(folder, latest->version)) return attempts;
  for (const auto& file : latest->files) {
    auto part = fs::path(file.staged).begin();
    if (part != fs::path(file.staged).end() && ++part != fs::path(file.staged).end())
      attempts.insert(part->string());
  }
  return attempts;
}

void RemoveDeadAttempts(const std::string& folder) {
  std::error_code error;
  fs::path metadata = fs::path(folder) / kOutputMetadataFolder;
  std::vector<std::string> dead;
  for (const auto& entry : fs::directory_iterator(metadata, error)) {
    std::string name = entry.path().filename().string();
    if (IsAttempt(name) && !AttemptOwnerMayLive(entry.path().string())) dead.push_back(name);
  }
  if (dead.empty()) return;
  // Asked after their deaths: the last thing that one of them did may have been to commit.
  auto in_use = AttemptsInUse(folder);
  for (const auto& name : dead) {
    std::error_code ignored;
    if (!in_use.count(name)) fs::remove_all(metadata / name, ignored);
  }
}

}  // namespace

void RecoverOutputFolder(const std::string& folder) {
  auto latest = ReadLatestManifest(folder);
  if (latest && !IsPublished(folder, latest->version)) PublishLatest(folder, {});
  RemoveDeadAttempts(folder);
}

std::unique_ptr<OutputCommitter> OutputCommitter::Begin(const std::string& folder, WriteMode mode,
                                                        const std::string& job_id, StepHook hook) {
  std::unique_ptr<OutputCommitter> committer(
      new OutputCommitter(folder, mode, job_id, std::move(hook)));
  committer->CheckFolder();
  committer->base_ = ReadLatestManifest(folder);
  bool has_data = committer->base_ && !committer->base_->files.empty();
  if (has_data && mode == WriteMode::kIgnore) return nullptr;
  if (has_data && mode == WriteMode::kError) {
    throw Error(ErrorKind::kInvalidInput,
                "The folder '" + folder +
                    "' has data, and mode=\"error\" asks for none there. Use "
                    "mode=\"overwrite\" or \"append\", or another folder.");
  }
  RecoverOutputFolder(folder);
  committer->MakeStagingFolder();
  return committer;
}

OutputCommitter::OutputCommitter(std::string folder, WriteMode mode, std::string job_id,
                                 StepHook hook)
    : folder_(std::move(folder)),
      mode_(mode),
      job_id_(std::move(job_id)),
      hook_(std::move(hook)),
      tag_(RandomTag()) {}

OutputCommitter::~OutputCommitter() {
  std::error_code ignored;
  // What was committed and could not be published is the next writer's to publish.
  bool is_needed = is_committed_ && !is_published_;
  if (!staging_.empty() && !is_needed) fs::remove_all(staging_, ignored);
  // Folders stay if they hold anything: what was committed, or what another writer makes.
  for (const auto& folder : made_folders_) ::rmdir(folder.c_str());
}

// The folder may hold what smallpond committed there, and nothing else.
void OutputCommitter::CheckFolder() {
  std::error_code error;
  if (!fs::exists(folder_, error)) return;
  if (!fs::is_directory(folder_, error)) {
    throw Error(ErrorKind::kInvalidInput,
                "'" + folder_ + "' is a file. Give a folder to write to.");
  }
  std::vector<std::string> found;
  auto entries = fs::recursive_directory_iterator(folder_, error);
  if (error) ThrowIo("Reading the folder", folder_, error);
  for (auto entry = fs::begin(entries); entry != fs::end(entries); entry.increment(error)) {
    if (error) ThrowIo("Reading the folder", folder_, error);
    std::string name = fs::path(entry->path()).lexically_relative(folder_).string();
    if (name == kOutputMetadataFolder) {
      entry.disable_recursion_pending();
    } else if (!entry->is_directory(error)) {
      found.push_back(std::move(name));
    }
  }
  // Read after the listing: a file that another writer published meanwhile has its manifest by now.
  std::set<std::string> ours;
  for (const auto& manifest : ReadManifests(folder_)) {
    for (const auto& file : manifest.files) ours.insert(file.name);
  }
  for (const auto& name : found) {
    if (ours.count(name) || !fs::exists(fs::path(folder_) / name, error)) continue;
    throw Error(ErrorKind::kInvalidInput,
                "The folder '" + folder_ + "' holds '" + name +
                    "', which smallpond did not write. Move it away, or give another folder.");
  }
}

void OutputCommitter::MakeStagingFolder() {
  fs::path metadata = fs::path(folder_) / kOutputMetadataFolder;
  std::error_code error;
  for (fs::path made = metadata; !fs::exists(made, error); made = made.parent_path()) {
    made_folders_.push_back(made.string());
  }
  staging_ = (metadata / AttemptName(tag_)).string();
  // Another writer that ends may remove the empty folders in between.
  for (int attempt = 0; attempt < 10; ++attempt) {
    fs::create_directories(staging_, error);
    if (!error) break;
  }
  if (error) ThrowIo("Making the folder", staging_, error);
}

void OutputCommitter::Step(const char* name) const {
  if (hook_) hook_(name);
}

std::vector<OutputFile> OutputCommitter::StagedFiles() const {
  std::vector<OutputFile> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(staging_, error)) {
    if (entry.is_directory() || !entry.path().string().ends_with(kStagedEnding)) continue;
    std::string name = entry.path().lexically_relative(staging_).string();
    name.resize(name.size() - std::strlen(kStagedEnding));
    files.push_back({name, entry.path().lexically_relative(folder_).string(), entry.file_size()});
  }
  if (error) ThrowIo("Reading the folder", staging_, error);
  std::sort(files.begin(), files.end(),
            [](const auto& left, const auto& right) { return left.name < right.name; });
  return files;
}

void OutputCommitter::CommitManifest(std::vector<OutputFile> files) {
  for (int attempt = 0; attempt < kMaxAppendTries; ++attempt) {
    OutputManifest manifest{base_ ? base_->version + 1 : 1, job_id_, files};
    if (mode_ == WriteMode::kAppend && base_) {
      manifest.files.insert(manifest.files.begin(), base_->files.begin(), base_->files.end());
    }
    if (CreateManifest(folder_, manifest, staging_)) {
      is_committed_ = true;
      return;
    }
    if (mode_ != WriteMode::kAppend) break;
    // The other version's files must have their final names before ours refers to them.
    RecoverOutputFolder(folder_);
    base_ = ReadLatestManifest(folder_);
  }
  throw Error(
      ErrorKind::kUnavailable,
      "Another job committed to '" + folder_ +
          "' while this one was writing to it. Nothing of this write was kept; run it again.");
}

WriteResult OutputCommitter::Commit() {
  Step("staged");
  auto files = StagedFiles();
  WriteResult result;
  std::vector<std::string> paths;
  for (const auto& file : files) {
    paths.push_back((fs::path(folder_) / file.staged).string());
    result.num_bytes += file.bytes;
  }
  result.num_files = static_cast<int64_t>(files.size());
  SyncFiles(paths);
  Step("synced");
  CommitManifest(std::move(files));
  Step("committed");
  auto start = std::chrono::steady_clock::now();
  PublishLatest(folder_, hook_);
  is_published_ = true;
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  Step("published");
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  result.publish_seconds = seconds.count();
  return result;
}

}  // namespace smallpond
