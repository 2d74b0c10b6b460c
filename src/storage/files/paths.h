#pragma once

#include <string>

namespace smallpond {

/// Whether `path` names an object store or another remote place ("s3://…") rather than a local
/// file.
bool IsRemote(const std::string& path);

/// Throws Unsupported where `path`, which is to be written, is remote, or could not be read.
void CheckCanBeWritten(const std::string& path);

/// Makes a local path absolute, starting from `base` (the current folder where empty). "~" stands
/// for the home folder. Throws InvalidInput where `path` is empty.
std::string ResolvePath(const std::string& path, const std::string& base);

/// Returns the folder that relative paths start from; "" where it has been removed.
std::string CurrentFolder();

/// Returns the compression that a file's name tells, in any letter case: "gzip", "zstd" or "".
std::string CompressionOfName(const std::string& name);

/// Whether a folder of this name holds the rows that have one value in a column: "key=value".
bool IsPartitionFolder(const std::string& name);

/// Returns a pattern for DuckDB's readers that matches the file `path` only: *, ? and [ stand
/// for themselves in brackets. Throws Unsupported where there is a backslash beside one of them.
std::string EscapePattern(const std::string& path);

}  // namespace smallpond
