#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace smallpond {

/// Returns what a file of a job holds. Throws Io where it can't be read.
std::string ReadJobFile(const std::string& path);

/// Files of jobs as a worker's tasks want them, each read and parsed once for many tasks. A job
/// never changes a file under its name, so what was read stays right. Any thread may use it.
template <typename Content>
class JobFileCache {
 public:
  /// Makes the content of a file's text. `path` is for the message where it can't.
  using Parse = std::function<Content(std::string text, const std::string& path)>;
  using Ref = std::shared_ptr<const Content>;  // Owned by the cache and by the tasks that use it.

  /// Keeps at most `max_files`, and begins anew where that is not enough.
  JobFileCache(size_t max_files, Parse parse) : max_files_(max_files), parse_(std::move(parse)) {}

  /// Returns the content of the file that is called `path` in all jobs' folders, and read by
  /// `opened_path`. Throws what ReadJobFile and the parser do, and keeps nothing then.
  Ref Get(const std::string& path, const std::string& opened_path) {
    {
      std::lock_guard lock(mutex_);
      auto found = files_.find(path);
      if (found != files_.end()) return found->second;
    }
    // Two tasks that want a file at the same time may both read it: others don't wait for them.
    auto content = std::make_shared<const Content>(parse_(ReadJobFile(opened_path), path));
    std::lock_guard lock(mutex_);
    if (files_.size() >= max_files_) files_.clear();
    files_[path] = content;
    return content;
  }

 private:
  const size_t max_files_;
  const Parse parse_;
  std::mutex mutex_;  // Guards files_.
  std::map<std::string, Ref> files_;
};

}  // namespace smallpond
