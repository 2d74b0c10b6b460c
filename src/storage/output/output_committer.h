#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "smallpond/options.h"
#include "storage/output/output_manifest.h"

namespace smallpond {

/// Writes one version of an output folder, so that it appears whole or not at all.
///
///     stage    files are written to a folder beside this one, synced, and listed by who wrote them
///     sync     the disk has the folders that name them
///     commit   one manifest is created if absent: from here on our readers see the new version
///     publish  the files are linked to their final names, earlier ones are removed
///
/// A writer that dies before the commit leaves an attempt, which the next writer removes; one that
/// dies after it is rolled forward by the next writer. Two writers of one folder: the one whose
/// manifest comes second gets Unavailable, and nothing of it stays; appends go on top of each other
/// instead. For local and shared POSIX file systems with hard links. One thread uses a committer.
class OutputCommitter {
 public:
  /// Called after each step: "staged", "synced", "committed", "linked" and "removed" for each file
  /// that is published or not needed any more, "published". Tests end the process there.
  using StepHook = std::function<void(const char* step)>;
  using MayWrite = std::function<bool(const std::string& path)>;

  /// Prepares a write of `folder` (absolute). Returns null where `mode` is kIgnore and the folder
  /// has data. Throws InvalidInput, and leaves everything as it was, where the folder is a file,
  /// holds files of others, or `mode` is kError and it has data; Io where it can't be made.
  /// `may_write` says where files may be staged; without it anywhere.
  static std::unique_ptr<OutputCommitter> Begin(const std::string& folder, WriteMode mode,
                                                const std::string& job_id, StepHook hook = {},
                                                const MayWrite& may_write = {});
  /// Removes what was not committed, and the staged names of what was published.
  ~OutputCommitter();
  OutputCommitter(const OutputCommitter&) = delete;
  OutputCommitter& operator=(const OutputCommitter&) = delete;

  /// What the files hold, for the manifest.
  struct Content {
    std::vector<Column> columns;  ///< As in OutputManifest.
    std::string dialect;
    /// Which columns the folders in a staging folder stand for, so that readers get them back as
    /// they were.
    std::vector<PartitionColumn> partition_by = {};
  };
  /// Says what will be staged. Throws InvalidInput where it is appended to files that lie by other
  /// columns, or are written in another way.
  void Describe(Content content);

  /// The version that rows are appended to; null where there is none, or it has no rows.
  const OutputManifest* AppendsTo() const;

  /// A part of file names that no other write to the folder has.
  const std::string& tag() const { return tag_; }
  /// An empty folder to write files into, at any depth, whose names have the ending kStagedEnding.
  std::string staging_folder() const { return StagingPath(num_stagings_); }
  /// Makes another one. What was staged before goes, as far as nobody writes to it any more. Throws
  /// Io.
  void StageAnew();

  /// Returns what the manifest says of a staged file: `path`, below the staging folder, without the
  /// ending, whose name in the output is `name`, the end of `path`.
  OutputFile Staged(const std::string& path, const std::string& name, uint64_t bytes,
                    const std::string& hash) const;

  /// Commits these files, which hold `num_rows` rows and are on the disk, and publishes them.
  /// Without rows one file tells the columns: the next append with rows replaces it, and an append
  /// of such a file to others commits nothing. Other files that were staged go. Throws Unavailable
  /// where another writer was faster, Io where nothing could be committed. Once it is committed it
  /// throws nothing: what keeps the files from their final names stands in the result.
  WriteResult Commit(std::vector<OutputFile> files, int64_t num_rows);

  static constexpr const char* kStagedEnding = OutputFile::kStagedEnding;

 private:
  OutputCommitter(std::string folder, WriteMode mode, std::string job_id, StepHook hook);

  void CheckFolder();
  void MakeStagingFolder(const MayWrite& may_write);
  void OpenStaged() const;
  void SyncNames() const;
  bool MakeStagingBeside(const MayWrite& may_write);
  std::error_code MakeStagingBelow();
  void CheckAppendsTo(const OutputManifest& base) const;
  void CheckColumnsOf(const OutputManifest& base) const;
  bool CommitManifest(std::vector<OutputFile> files, int64_t num_rows);
  void Publish(WriteResult& result);
  void Step(const char* name) const;
  std::string StagingPath(int number) const { return staging_ + "/" + std::to_string(number); }

  std::string folder_;
  WriteMode mode_;
  std::string job_id_;
  StepHook hook_;
  std::string tag_;
  std::string attempt_;  // From the folder.
  std::string staging_;  // The same, absolute.
  Content content_;
  int num_stagings_ = 0;
  bool is_committed_ = false;
  bool is_published_ = false;
  std::vector<std::string> made_folders_;  // For this write, the innermost first.
  std::optional<OutputManifest> base_;     // What was there when this write began.
};

}  // namespace smallpond
