#pragma once

#include <functional>
#include <string>
#include <vector>

#include "storage/output/output_manifest.h"

namespace smallpond {

struct InputFiles {
  std::vector<std::string> paths;
  /// Where all of them come from outputs that are partitioned by the same columns: these.
  std::vector<PartitionColumn> partition_by = {};
  /// What folders hold beside them and is not read: files, and folders with a "/" behind. Of an
  /// output folder what smallpond did not write, hidden names left out; no way to list reads that.
  std::vector<std::string> unread = {};

  void Add(const std::string& path, const std::vector<PartitionColumn>& columns = {});
};

/// Whether a path names a pipe, a device or a socket, or leads to this process's own open files,
/// which have other meanings in a worker.
bool IsNoFileOfItsOwn(const std::string& path);

/// Lists the files that a user's paths stand for, in the order of the paths and sorted within each:
///
///   a file    itself, whatever characters its name has
///   a folder  the files in it with one of `endings` (such as ".parquet") in any case, and those
///             without an ending that have a digit in their names, such as "part-0000", also in
///             folders named key=value below it, or in all folders below it where `recursive`.
///             Names that begin with "." or "_" or end in ".crc" are passed over.
///   a pipe    what `glob` returns for it
///   a glob    what `glob` returns for it; brackets in the name of a folder that exists are its
///             name
///   s3://…    itself; DuckDB lists it
///
/// Of a folder that smallpond wrote, exactly the files of its latest version, whether they have
/// their final names yet or not. Throws InvalidInput where `paths` is empty or a folder holds no
/// such file, Io where nothing matches or a folder can't be read, Unsupported where a folder
/// without such files is a table of Delta Lake, Iceberg or Hudi.
InputFiles ListInputFiles(
    const std::vector<std::string>& paths, const std::vector<std::string>& endings, bool recursive,
    const std::function<std::vector<std::string>(const std::string& pattern)>& glob);

}  // namespace smallpond
