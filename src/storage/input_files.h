#pragma once

#include <functional>
#include <string>
#include <vector>

#include "storage/output_manifest.h"

namespace smallpond {

struct InputFiles {
  std::vector<std::string> paths;
  /// Where all of them come from outputs that are partitioned by the same columns: these.
  std::vector<PartitionColumn> partition_by = {};

  void Add(const std::string& path, const std::vector<PartitionColumn>& columns = {});
};

/// Lists the files that a user's paths stand for, in the order of the paths and sorted within each:
///
///   a file    itself, whatever characters its name has
///   a folder  the files in it with one of `endings` (such as ".parquet"), also in folders named
///             key=value below it, or in all folders below it where `recursive`
///   a glob    what `glob` returns for it; brackets in the name of a folder that exists are its
///             name
///   s3://…    itself; DuckDB lists it
///
/// Of a folder that smallpond wrote, exactly the files of its latest version, whether they have
/// their final names yet or not. Throws InvalidInput where `paths` is empty or a folder holds no
/// such file, Io where nothing matches or a folder can't be read.
InputFiles ListInputFiles(
    const std::vector<std::string>& paths, const std::vector<std::string>& endings, bool recursive,
    const std::function<std::vector<std::string>(const std::string& pattern)>& glob);

}  // namespace smallpond
