#pragma once

#include <string>
#include <vector>

namespace smallpond {

/// Whether `path` names an object store or another remote place ("s3://…") rather than a local
/// file.
bool IsRemote(const std::string& path);

/// Makes a local path absolute, starting from `base` (the current folder where empty). "~" stands
/// for the home folder.
std::string ResolvePath(const std::string& path, const std::string& base);

/// Turns what a user gave into patterns for DuckDB's readers: a folder becomes the files in it with
/// one of `endings` (such as ".parquet"), also in folders named key=value below it, or in all
/// folders below it where `recursive`. Throws InvalidInput where `paths` is empty or a folder holds
/// no such file.
std::vector<std::string> ExpandFolders(const std::vector<std::string>& paths,
                                       const std::string& base,
                                       const std::vector<std::string>& endings, bool recursive);

}  // namespace smallpond
