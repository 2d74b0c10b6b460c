#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/output/output_manifest.h"

namespace smallpond {

/// Options by name, each of whose values, as SQL, holds a credential.
using SecretOptions = std::vector<std::pair<std::string, std::string>>;

/// How rows become files of one format: the parts of COPY statements.
struct CopyOptions {
  std::string ending;   ///< ".parquet", ".csv.gz" …
  std::string options;  ///< "FORMAT parquet, COMPRESSION zstd"
  std::string dialect;  ///< As in OutputManifest.
  std::string encryption;
  SecretOptions secrets;  ///< Of `options`. No part of what is written to a job's folder.
  bool is_parquet = false;
  std::vector<PartitionColumn> partition_by;  ///< What folders stand for.
  std::string partition_list;                 ///< The quoted columns of partition_by.
  std::string sort_list;                      ///< What follows ORDER BY.
  std::optional<uint64_t> file_size_bytes;    ///< Begin another file about there.
};

/// The files that a write makes of rows. Who makes a part of them, a task or the process itself,
/// writes to a folder of its own below `staging_folder`, and lists what it wrote.
struct FileOutput {
  CopyOptions copy;
  std::vector<std::string> columns;  ///< Names of the rows' columns, with the keys of folders.
  /// Whether the rows of a part come in an order that the files are to keep.
  bool in_order = false;
  std::string staging_folder;  ///< Absolute; a folder that is there.
  std::string tag;             ///< Part of the files' names that no other write to the folder has.
};

/// The output as JSON. Throws Unsupported where one of its texts is no UTF-8.
std::string FormatFileOutput(const FileOutput& output);
/// Throws Internal where the text is no such output. `name` is for the message.
FileOutput ParseFileOutput(const std::string& text, const std::string& name);

}  // namespace smallpond
