#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace smallpond {

/// Finds out whether files belong to a table of Delta Lake, Iceberg or Hudi. Such a table's log
/// says which of its files, and which rows of them, count; read as plain files they give rows that
/// were removed. Looks at each folder once. For one thread.
class TableFormats {
 public:
  /// Returns why the files of `folder`, an absolute path, can't be read as they are, and what to do
  /// instead: where it or a folder above it is such a table. Empty where none is, and in the folder
  /// of a table's own log.
  std::string WhyUnreadable(std::filesystem::path folder);

 private:
  std::set<std::filesystem::path> seen_;
};

}  // namespace smallpond
