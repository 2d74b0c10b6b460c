#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smallpond/options.h"
#include "storage/output_manifest.h"

namespace smallpond {

/// Writes one version of an output folder, so that it appears whole or not at all.
///
///     stage    files are written below _smallpond/attempt-ID, under names that no data glob
///     matches commit   one manifest is created if absent: from here on our readers see the new
///     version publish  the files are linked to their final names, earlier ones are removed
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

  /// Prepares a write of `folder` (absolute). Returns null where `mode` is kIgnore and the folder
  /// has data. Throws InvalidInput, and leaves everything as it was, where the folder is a file,
  /// holds files of others, or `mode` is kError and it has data; Io where it can't be made.
  static std::unique_ptr<OutputCommitter> Begin(const std::string& folder, WriteMode mode,
                                                const std::string& job_id, StepHook hook = {});
  /// Removes what was not committed, and the staged names of what was published.
  ~OutputCommitter();
  OutputCommitter(const OutputCommitter&) = delete;
  OutputCommitter& operator=(const OutputCommitter&) = delete;

  /// An empty folder to write files into, at any depth. Their names in the output are their names
  /// here without the ending kStagedEnding, which every file must have.
  const std::string& staging_folder() const { return staging_; }
  /// A part of file names that no other write to the folder has.
  const std::string& tag() const { return tag_; }

  /// Commits every file of the staging folder and publishes them. Throws Unavailable where another
  /// writer was faster, Io.
  WriteResult Commit();

  static constexpr const char* kStagedEnding = ".writing";

 private:
  OutputCommitter(std::string folder, WriteMode mode, std::string job_id, StepHook hook);

  void CheckFolder();
  void MakeStagingFolder();
  std::vector<OutputFile> StagedFiles() const;
  void CommitManifest(std::vector<OutputFile> files);
  void Step(const char* name) const;

  std::string folder_;
  WriteMode mode_;
  std::string job_id_;
  StepHook hook_;
  std::string tag_;
  std::string staging_;
  bool is_committed_ = false;
  bool is_published_ = false;
  std::vector<std::string> made_folders_;  // For this write, the innermost first.
  std::optional<OutputManifest> base_;     // What was there when this write began.
};

/// Brings an output folder to the state that its latest manifest says: publishes what an
/// interrupted writer left, removes files of earlier versions and attempts of dead writers. Any
/// number of processes may do it at a time.
void RecoverOutputFolder(const std::string& folder);

}  // namespace smallpond
