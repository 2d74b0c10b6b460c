#include "storage/output/output_file.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "smallpond/error.h"
#include "storage/files/attempt_owner.h"
#include "storage/files/file_identity.h"
#include "storage/files/file_system.h"
#include "storage/files/io_error.h"
#include "storage/files/private_folder.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

void RemoveDeadAttempts(const fs::path& file) {
  for (const auto& entry : ListFolder(file.parent_path()).entries) {
    if (IsSiblingAttempt(entry.name(), file.filename().string()) && IsOwnFolder(entry.path) &&
        !AttemptOwnerMayLive(entry.path.string()))
      RemoveTree(entry.path);
  }
}

}  // namespace

OutputFileCommitter::OutputFileCommitter(std::string path, WriteMode mode)
    : path_(std::move(path)), mode_(mode) {
  if (mode == WriteMode::kAppend) {
    throw Error(ErrorKind::kInvalidInput,
                "mode=\"append\" adds files to a folder, and '" + path_ +
                    "' is the name of one file. Give a folder's name, without such an ending, or "
                    "use mode=\"overwrite\".");
  }
  fs::path file(path_);
  if (IsFolder(file)) {
    throw Error(ErrorKind::kInvalidInput, "'" + path_ + "' is a folder. Give a file to write to.");
  }
  bool exists = IsTaken(file);
  if (exists && mode == WriteMode::kError) ThrowExists();
  has_nothing_to_do_ = exists && mode == WriteMode::kIgnore;
  if (has_nothing_to_do_) return;
  for (fs::path made = file.parent_path(); !Exists(made); made = made.parent_path())
    made_folders_.push_back(made.string());
  std::error_code error = MakeFolders(file.parent_path());
  if (error) ThrowIo("Making the folder", file.parent_path(), error);
  RemoveDeadAttempts(file);
  staging_ =
      (file.parent_path() / SiblingAttemptName(file.filename().string(), RandomTag())).string();
  staged_ = staging_ + "/" + file.filename().string();
  MakePrivateFolder(staging_);
}

OutputFileCommitter::~OutputFileCommitter() {
  if (!staging_.empty()) RemoveTree(staging_);
  for (const auto& folder : made_folders_) RemoveEmptyFolder(folder);
}

void OutputFileCommitter::ThrowExists() const {
  throw Error(ErrorKind::kInvalidInput,
              "The file '" + path_ +
                  "' is there, and mode=\"error\" asks for none. Use mode=\"overwrite\" or another "
                  "name.");
}

void OutputFileCommitter::SyncStaged() {
  SyncFiles({staged_});
  num_bytes_ = Identify(staged_).bytes;
}

bool OutputFileCommitter::Commit() {
  if (has_nothing_to_do_) return false;
  bool replaces = mode_ == WriteMode::kOverwrite;
  std::error_code error = replaces ? Rename(staged_, path_) : LinkFile(staged_, path_);
  if (!error) {
    SyncFolders({fs::path(path_).parent_path().string()});
    return true;
  }
  if (error == std::errc::file_exists && mode_ == WriteMode::kIgnore) return false;
  if (error == std::errc::file_exists && mode_ == WriteMode::kError) ThrowExists();
  ThrowIo("Writing", path_, error);
}

}  // namespace smallpond
