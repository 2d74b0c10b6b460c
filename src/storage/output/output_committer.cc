#include "storage/output/output_committer.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <system_error>

#include "smallpond/error.h"
#include "storage/files/attempt_owner.h"
#include "storage/files/file_system.h"
#include "storage/files/io_error.h"
#include "storage/files/private_folder.h"
#include "storage/output/output_publisher.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxAppendTries = 100;
constexpr int kMaxFolderTries = 10;

}  // namespace

std::unique_ptr<OutputCommitter> OutputCommitter::Begin(const std::string& folder, WriteMode mode,
                                                        const std::string& job_id, StepHook hook,
                                                        const MayWrite& may_write) {
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
  committer->MakeStagingFolder(may_write);
  committer->StageAnew();
  return committer;
}

OutputCommitter::OutputCommitter(std::string folder, WriteMode mode, std::string job_id,
                                 StepHook hook)
    : folder_(std::move(folder)),
      mode_(mode),
      job_id_(std::move(job_id)),
      hook_(std::move(hook)),
      tag_(RandomTag().substr(0, 12)) {}

OutputCommitter::~OutputCommitter() {
  // What was committed and could not be published is the next writer's to publish.
  bool is_needed = is_committed_ && !is_published_;
  if (!staging_.empty() && !is_needed) RemoveTree(staging_);
  // Folders stay if they hold anything: what was committed, or what another writer makes.
  for (const auto& folder : made_folders_) RemoveEmptyFolder(folder);
}

// The folder may hold what smallpond committed there, and nothing else.
void OutputCommitter::CheckFolder() {
  if (!Exists(folder_)) return;
  if (!IsFolder(folder_)) {
    throw Error(ErrorKind::kInvalidInput,
                "'" + folder_ + "' is a file. Give a folder to write to.");
  }
  std::vector<std::string> found;
  FolderListing listing = ListBelow(folder_, kOutputMetadataFolder);
  if (listing.error) ThrowIo("Reading the folder", folder_, listing.error);
  if (listing.unreadable) {
    ThrowIo("Reading the folder", *listing.unreadable,
            std::make_error_code(std::errc::permission_denied));
  }
  for (const auto& entry : listing.entries) {
    if (!entry.LeadsToFolder()) found.push_back(entry.path.lexically_relative(folder_).string());
  }
  // Read after the listing: a file that another writer published meanwhile has its manifest by now.
  std::set<std::string> ours;
  for (const auto& manifest : ReadManifests(folder_)) {
    for (const auto& file : manifest.files) ours.insert(file.name);
  }
  for (const auto& name : found) {
    if (ours.count(name) || !Exists(fs::path(folder_) / name)) continue;
    throw Error(ErrorKind::kInvalidInput,
                "The folder '" + folder_ + "' holds '" + name +
                    "', which smallpond did not write. Move it away, or give another folder.");
  }
}

void OutputCommitter::MakeStagingFolder(const MayWrite& may_write) {
  fs::path metadata = fs::path(folder_) / kOutputMetadataFolder;
  std::error_code error;
  for (fs::path made = metadata; !Exists(made); made = made.parent_path()) {
    made_folders_.push_back(made.string());
  }
  // Another writer that ends may remove the empty folders in between.
  for (int attempt = 0; attempt < kMaxFolderTries; ++attempt) {
    error = MakeFolders(metadata);
    if (!error && MakeStagingBeside(may_write)) return;
    if (!error) error = MakeStagingBelow();
    if (!error) return;
  }
  ThrowIo("Making the folder", metadata / AttemptName(tag_), error);
}

// Files get their final names by LinkFile, which needs one file system.
bool OutputCommitter::MakeStagingBeside(const MayWrite& may_write) {
  fs::path folder = RealPath(folder_);  // It may be a link to one elsewhere.
  if (!folder.has_filename()) return false;
  std::string name = SiblingAttemptName(folder.filename().string(), tag_);
  staging_ = (folder.parent_path() / name).string();
  attempt_ = "../" + name;
  if (may_write && !may_write(staging_ + "/file")) return false;
  if (MakeNewFolder(staging_, Access::kPrivate)) return false;
  if (AreOnOneDisk(folder_, staging_)) return true;
  RemoveEmptyFolder(staging_);
  return false;
}

// Where the folder is a mount, or the one above can't be written to.
std::error_code OutputCommitter::MakeStagingBelow() {
  attempt_ = std::string(kOutputMetadataFolder) + "/" + AttemptName(tag_);
  staging_ = (fs::path(folder_) / attempt_).string();
  return MakeNewFolder(staging_, Access::kPrivate);
}

// Lets other accounts read what is staged as far as they may read the folder: readers follow a
// manifest before its files have their final names.
void OutputCommitter::OpenStaged() const {
  std::error_code error = CopyAccess(fs::path(folder_) / kOutputMetadataFolder, staging_);
  if (error) ThrowIo("Opening the folder", staging_, error);
}

void OutputCommitter::Step(const char* name) const {
  if (hook_) hook_(name);
}

void OutputCommitter::Describe(Content content) {
  content_ = std::move(content);
  if (const OutputManifest* base = AppendsTo()) CheckAppendsTo(*base);
}

const OutputManifest* OutputCommitter::AppendsTo() const {
  bool appends = mode_ == WriteMode::kAppend && base_ && base_->has_rows && !base_->files.empty();
  return appends ? &*base_ : nullptr;
}

// Files in folders key=value lack these columns; together with others no reader could tell which
// columns there are.
void OutputCommitter::CheckAppendsTo(const OutputManifest& base) const {
  auto names_of = [](const std::vector<PartitionColumn>& columns) {
    std::string names;
    for (const auto& column : columns) names += (names.empty() ? "" : ", ") + column.name;
    return names.empty() ? std::string("no columns") : names;
  };
  std::string there = names_of(base.partition_by), here = names_of(content_.partition_by);
  if (there != here) {
    throw Error(ErrorKind::kInvalidInput,
                "The files in '" + folder_ + "' are partitioned by " + there +
                    ", and the ones to append by " + here +
                    ". Use the same partition_by, mode=\"overwrite\", or another folder.");
  }
  // Earlier versions of smallpond did not note it.
  if (base.columns.empty() || base.dialect == content_.dialect) return;
  auto shown = [](const std::string& dialect) { return dialect.empty() ? "none" : dialect; };
  throw Error(
      ErrorKind::kInvalidInput,
      "The files in '" + folder_ + "' were written with other options (" + shown(base.dialect) +
          ") than the ones to append (" + shown(content_.dialect) +
          "), so that nothing could read both. Use the same, mode=\"overwrite\", or another "
          "folder.");
}

// The rows were made for the columns of the version that was there when this write began.
void OutputCommitter::CheckColumnsOf(const OutputManifest& base) const {
  auto is_same = [](const Column& left, const Column& right) {
    return left.name == right.name && left.type == right.type;
  };
  if (base.columns.empty() || std::equal(base.columns.begin(), base.columns.end(),
                                         content_.columns.begin(), content_.columns.end(), is_same))
    return;
  throw Error(ErrorKind::kUnavailable,
              "Another job committed other columns to '" + folder_ +
                  "' while this one was writing to it. Nothing of this write was kept; run it "
                  "again.");
}

void OutputCommitter::StageAnew() {
  // A task that nobody waits for may still write to it.
  if (num_stagings_ > 0) RemoveTree(staging_folder());
  ++num_stagings_;
  std::error_code error = MakeNewFolder(staging_folder(), Access::kShared);
  if (error) ThrowIo("Making the folder", staging_folder(), error);
}

OutputFile OutputCommitter::Staged(const std::string& path, const std::string& name, uint64_t bytes,
                                   const std::string& hash) const {
  std::string folder = attempt_ + "/" + std::to_string(num_stagings_);
  if (path.size() > name.size()) folder += "/" + path.substr(0, path.size() - name.size() - 1);
  return {name, std::move(folder), bytes, hash};
}

// Who wrote a file has synced it, and the folders that name it up to the staging folder.
void OutputCommitter::SyncNames() const {
  // All folders that this write made or puts names into, and what names those.
  std::set<std::string> folders = {folder_, (fs::path(folder_) / kOutputMetadataFolder).string(),
                                   fs::path(staging_).parent_path().string(), staging_,
                                   staging_folder()};
  for (const auto& made : made_folders_) folders.insert(fs::path(made).parent_path().string());
  SyncFolders({folders.begin(), folders.end()});
}

// Returns false where there is nothing to commit.
bool OutputCommitter::CommitManifest(std::vector<OutputFile> files, int64_t num_rows) {
  bool has_rows = num_rows > 0;
  for (int attempt = 0; attempt < kMaxAppendTries; ++attempt) {
    OutputManifest manifest{base_ ? base_->version + 1 : 1,
                            job_id_,
                            files,
                            {},
                            has_rows,
                            content_.columns,
                            content_.dialect,
                            num_rows};
    if (has_rows) manifest.partition_by = content_.partition_by;  // Else the one file has all.
    bool is_append = mode_ == WriteMode::kAppend && base_ && !base_->files.empty();
    if (is_append && !has_rows) return false;
    if (const OutputManifest* base = AppendsTo()) {
      CheckAppendsTo(*base);
      CheckColumnsOf(*base);
      manifest.files.insert(manifest.files.begin(), base->files.begin(), base->files.end());
      if (base->may_be_base) manifest.base = {base->version, base->files.size()};
      for (size_t i = 0; i < manifest.partition_by.size(); ++i) {
        // Folders' names hold values of every type.
        if (base->partition_by[i] != manifest.partition_by[i])
          manifest.partition_by[i].type = "VARCHAR";
      }
      manifest.num_rows.reset();
      if (base->num_rows) manifest.num_rows = *base->num_rows + num_rows;
    }
    if (CreateManifest(folder_, manifest, staging_)) {
      is_committed_ = true;
      return true;
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

WriteResult OutputCommitter::Commit(std::vector<OutputFile> files, int64_t num_rows) {
  Step("staged");
  std::sort(files.begin(), files.end(),
            [](const auto& left, const auto& right) { return left.name < right.name; });
  WriteResult result;
  for (const auto& file : files) result.num_bytes += file.bytes;
  result.num_files = static_cast<int64_t>(files.size());
  result.num_rows = num_rows;
  result.path = folder_;
  SyncNames();
  OpenStaged();
  Step("synced");
  if (!CommitManifest(std::move(files), num_rows)) {
    result = {};
    result.path = folder_;
    return result;
  }
  Step("committed");
  Publish(result);
  Step("published");
  if (is_published_) RemoveTree(staging_);
  return result;
}

// The version is committed and our readers see it: a failure from here on is a late publication,
// which the next writer makes up for, and no failed write.
void OutputCommitter::Publish(WriteResult& result) {
  auto start = std::chrono::steady_clock::now();
  try {
    PublishLatest(folder_, hook_);
    is_published_ = true;
  } catch (const std::exception& error) {
    result.publish_error = error.what();
  }
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  result.publish_seconds = seconds.count();
}

}  // namespace smallpond
