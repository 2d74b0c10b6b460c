#include "storage/output_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

#include "smallpond/error.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

// Lists the files of a folder that smallpond wrote, one name a line. Its own name is no pattern for
// data.
constexpr const char* kListName = "_smallpond_files";

[[noreturn]] void ThrowIo(const std::string& what, const fs::path& path,
                          const std::error_code& error) {
  throw Error(ErrorKind::kIo, what + " '" + path.string() + "' failed: " + error.message() + ".");
}

std::string RandomTag() {
  std::random_device device;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string tag;
  for (int i = 0; i < 8; ++i) tag += kDigits[device() % 16];
  return tag;
}

std::vector<std::string> ReadList(const fs::path& path) {
  std::vector<std::string> names;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) names.push_back(line);
  }
  return names;
}

void WriteList(const fs::path& path, const std::vector<std::string>& names) {
  std::ofstream file(path);
  for (const auto& name : names) file << name << '\n';
  file.close();
  if (!file) ThrowIo("Writing", path, std::make_error_code(std::errc::io_error));
}

}  // namespace

OutputFolder::OutputFolder(const std::string& path) : path_(path), tag_(RandomTag()) {
  fs::path target(path_);
  if (!target.has_filename()) target = target.parent_path();  // "output/"
  path_ = target.string();
  std::error_code error;
  if (fs::exists(target, error) && !fs::is_directory(target, error)) {
    throw Error(ErrorKind::kInvalidInput, "'" + path_ + "' is a file. Give a folder to write to.");
  }
  earlier_ = ReadList(target / kListName);
  if (fs::is_directory(target, error)) {
    for (const auto& entry : fs::directory_iterator(target, error)) {
      std::string name = entry.path().filename().string();
      if (name == kListName || std::find(earlier_.begin(), earlier_.end(), name) != earlier_.end())
        continue;
      throw Error(ErrorKind::kInvalidInput,
                  "The folder '" + path_ + "' holds '" + name +
                      "', which smallpond did not write. Give an empty or new folder.");
    }
    if (error) ThrowIo("Reading the folder", target, error);
  }
  for (fs::path parent = target.parent_path(); !fs::exists(parent, error);
       parent = parent.parent_path()) {
    parents_.push_back(parent.string());
  }
  fs::create_directories(target.parent_path(), error);
  if (error) ThrowIo("Making the folder", target.parent_path(), error);
  attempt_ =
      (target.parent_path() / ("." + target.filename().string() + ".writing-" + tag_)).string();
  fs::create_directory(attempt_, error);
  if (error) ThrowIo("Making the folder", attempt_, error);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  fs::remove_all(attempt_, ignored);
  for (const auto& parent : parents_) fs::remove(parent, ignored);  // Stays if it holds anything.
}

std::string OutputFolder::AddFile(const std::string& stem, const std::string& ending) {
  names_.push_back(stem + "-" + tag_ + ending);
  return (fs::path(attempt_) / (names_.back() + ".writing")).string();
}

void OutputFolder::Publish() {
  fs::path target(path_);
  std::error_code error;
  fs::create_directories(target, error);
  if (error) ThrowIo("Making the folder", target, error);
  // The list names both while the folder changes, so that a crash in between leaves nothing that is
  // not ours.
  std::vector<std::string> both = earlier_;
  both.insert(both.end(), names_.begin(), names_.end());
  WriteList(target / kListName, both);
  for (const auto& name : names_) {
    fs::rename(fs::path(attempt_) / (name + ".writing"), target / name, error);
    if (error) ThrowIo("Publishing", target / name, error);
  }
  for (const auto& name : earlier_) {
    fs::remove(target / name, error);
    if (error) ThrowIo("Removing", target / name, error);
  }
  WriteList(target / kListName, names_);
}

}  // namespace smallpond
