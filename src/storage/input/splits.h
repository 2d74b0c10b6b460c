#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace smallpond {

/// A file, or a range of its rows. Rows are numbered from 0 in the order of the file, as DuckDB's
/// `file_row_number` does; `WHERE file_row_number >= row_begin AND file_row_number < row_end` reads
/// only the row groups of the range.
struct FilePart {
  size_t file = 0;  ///< Position in the list of files that was cut.
  bool is_whole = true;
  int64_t row_begin = 0;  ///< Of a part that is not whole.
  int64_t row_end = 0;    ///< The row after the last one.

  bool operator==(const FilePart&) const = default;
};

/// What one task reads. The splits of a list of files, one after the other, are the rows of the
/// files in their order, each row once.
struct Split {
  std::vector<FilePart> parts;  ///< Never empty.
  uint64_t bytes = 0;           ///< About how much of the files; 0 for what is not known.

  bool operator==(const Split&) const = default;
};

/// How large splits should be, or how many there should be.
struct SplitTarget {
  uint64_t bytes = 256'000'000;  ///< At most, where no row group is larger.
  /// How many tasks run at a time. A few rounds of tasks are made whole ones of even splits, so
  /// that no worker waits for the last task of another; but no split is below kSmallestSplitBytes,
  /// since a task costs some milliseconds.
  int at_a_time = 1;
  /// This many splits instead, whatever their size, or as many as there are row groups.
  std::optional<int> exactly = {};
};

constexpr uint64_t kMaxWholeRounds = 8;              ///< For SplitTarget::at_a_time.
constexpr uint64_t kSmallestSplitBytes = 1'000'000;  ///< For SplitTarget::at_a_time.
/// A small file counts as this part of a split, with the default size as a megabyte: to open one
/// takes about as long on a shared file system as to read so much.
constexpr uint64_t kMaxFilesPerSplit = 256;

/// A part of a Parquet file that can be read without the others.
struct RowGroup {
  int64_t rows = 0;
  uint64_t bytes = 0;
};

/// Returns the row groups of each of these files, by position, or none for a file that is to stay
/// whole. Called once, with the files that are too large for one split.
using RowGroupReader =
    std::function<std::vector<std::vector<RowGroup>>(const std::vector<size_t>& files)>;

/// Cuts files of these sizes into splits: neighbouring small files together, large ones at row
/// groups. A file of unknown size stays whole and gets a split of its own. Every file has a part in
/// some split, an empty one too.
std::vector<Split> CutFiles(const std::vector<std::optional<uint64_t>>& bytes,
                            const SplitTarget& target, const RowGroupReader& read_row_groups);

}  // namespace smallpond
