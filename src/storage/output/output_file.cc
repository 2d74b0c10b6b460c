#include "storage/output/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "smallpond/error.h"
#include "storage/files/attempt_owner.h"
#include "storage/files/durable.h"
#include "storage/files/private_folder.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

void RemoveDeadAttempts(const fs::path& file) {
  std::vector<fs::path> dead;
  std::error_code error;
  fs::directory_iterator entry(file.parent_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (IsSiblingAttempt(entry->path().filename().string(), file.filename().string()) &&
        IsOwnFolder(entry->path()) && !AttemptOwnerMayLive(entry->path().string()))
      dead.push_back(entry->path());
  }
  for (const auto& path : dead) fs::remove_all(path, error);
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
  std::error_code error;
  if (fs::is_directory(file, error)) {
    throw Error(ErrorKind::kInvalidInput, "'" + path_ + "' is a folder. Give a file to write to.");
  }
  bool exists = fs::exists(fs::symlink_status(file, error));
  if (exists && mode == WriteMode::kError) ThrowExists();
  has_nothing_to_do_ = exists && mode == WriteMode::kIgnore;
  if (has_nothing_to_do_) return;
  for (fs::path made = file.parent_path(); !fs::exists(made, error); made = made.parent_path())
    made_folders_.push_back(made.string());
  fs::create_directories(file.parent_path(), error);
  if (error) {
    throw Error(ErrorKind::kIo, "Making the folder '" + file.parent_path().string() +
                                    "' failed: " + error.message() + ".");
  }
  RemoveDeadAttempts(file);
  staging_ =
      (file.parent_path() / SiblingAttemptName(file.filename().string(), RandomTag())).string();
  staged_ = staging_ + "/" + file.filename().string();
  MakePrivateFolder(staging_);
}

OutputFileCommitter::~OutputFileCommitter() {
  std::error_code ignored;
  if (!staging_.empty()) fs::remove_all(staging_, ignored);
  for (const auto& folder : made_folders_) ::rmdir(folder.c_str());  // Those that hold nothing.
}

void OutputFileCommitter::ThrowExists() const {
  throw Error(ErrorKind::kInvalidInput,
              "The file '" + path_ +
                  "' is there, and mode=\"error\" asks for none. Use mode=\"overwrite\" or another "
                  "name.");
}

void OutputFileCommitter::SyncStaged() {
  SyncFiles({staged_});
  std::error_code error;
  num_bytes_ = fs::file_size(staged_, error);
}

bool OutputFileCommitter::Commit() {
  if (has_nothing_to_do_) return false;
  // link(2) replaces nothing.
  bool replaces = mode_ == WriteMode::kOverwrite;
  int failed = replaces ? std::rename(staged_.c_str(), path_.c_str())
                        : ::link(staged_.c_str(), path_.c_str());
  int code = errno;
  if (failed == 0) {
    SyncFolders({fs::path(path_).parent_path().string()});
    return true;
  }
  if (code == EEXIST && mode_ == WriteMode::kIgnore) return false;
  if (code == EEXIST && mode_ == WriteMode::kError) ThrowExists();
  std::error_code error(code, std::generic_category());
  throw Error(ErrorKind::kIo, "Writing '" + path_ + "' failed: " + error.message() + ".");
}

}  // namespace smallpond
