#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "storage/files/file_hash.h"
#include "storage/output/output_committer.h"

namespace smallpond {

// Commits all files that are staged.
inline WriteResult CommitStaged(OutputCommitter& committer, int64_t num_rows = 1) {
  std::vector<OutputFile> files;
  const std::string ending = OutputCommitter::kStagedEnding;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(committer.staging_folder())) {
    std::string name = entry.path().lexically_relative(committer.staging_folder()).string();
    if (entry.is_directory() || !name.ends_with(ending)) continue;
    name.resize(name.size() - ending.size());
    files.push_back(
        committer.Staged(name, name, entry.file_size(), HashFile(entry.path().string())));
  }
  return committer.Commit(std::move(files), num_rows);
}

}  // namespace smallpond
