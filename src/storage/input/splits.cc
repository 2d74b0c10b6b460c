#include "storage/input/splits.h"

#include <algorithm>
#include <cmath>

namespace smallpond {
namespace {

// What is never cut: a whole file or one row group.
struct Unit {
  FilePart part;
  uint64_t bytes = 0;
  double weight = 1;  // What counts for the size of a split.
};

// Puts units into splits in their order, and neighbouring row groups of a file into one part.
class SplitBuilder {
 public:
  explicit SplitBuilder(const std::vector<int64_t>& rows_of_files)
      : rows_of_files_(rows_of_files) {}

  size_t size() const { return splits_.size(); }
  void Begin() { splits_.emplace_back(); }

  void Add(const Unit& unit) {
    Split& split = splits_.back();
    split.bytes += unit.bytes;
    bool goes_on =
        !unit.part.is_whole && !split.parts.empty() && split.parts.back().file == unit.part.file;
    if (goes_on) {
      split.parts.back().row_end = unit.part.row_end;
    } else {
      split.parts.push_back(unit.part);
    }
    FilePart& last = split.parts.back();
    if (!last.is_whole && last.row_begin == 0 && last.row_end == rows_of_files_[last.file]) {
      last = {last.file, true, 0, 0};
    }
  }

  std::vector<Split> Take() { return std::move(splits_); }

 private:
  const std::vector<int64_t>& rows_of_files_;  // Of the files that are cut.
  std::vector<Split> splits_;
};

// Fills one split after the other up to `weight`.
std::vector<Split> Fill(const std::vector<Unit>& units, double weight, SplitBuilder splits) {
  double filled = 0;
  for (const Unit& unit : units) {
    if (splits.size() == 0 || filled + unit.weight > weight) {
      splits.Begin();
      filled = 0;
    }
    splits.Add(unit);
    filled += unit.weight;
  }
  return splits.Take();
}

// Makes `count` splits of about the same weight, or as many as there are units.
std::vector<Split> Spread(const std::vector<Unit>& units, size_t count, SplitBuilder splits) {
  count = std::min(count, units.size());
  double total = 0;
  for (const Unit& unit : units) total += unit.weight;
  double before = 0;
  for (size_t i = 0; i < units.size(); ++i) {
    double end_of_split = total * static_cast<double>(splits.size()) / static_cast<double>(count);
    bool is_due = before + units[i].weight / 2 >= end_of_split;
    bool is_needed = units.size() - i == count - splits.size();  // By each of the splits to come.
    if (splits.size() == 0 || (splits.size() < count && (is_due || is_needed))) splits.Begin();
    splits.Add(units[i]);
    before += units[i].weight;
  }
  return splits.Take();
}

// Adds the row groups of a file, or the file if they can't be told apart.
void AddUnits(size_t file, uint64_t bytes, double weight, const std::vector<RowGroup>& row_groups,
              int64_t& rows, std::vector<Unit>& units) {
  double total = 0;
  for (const auto& group : row_groups) {
    total += static_cast<double>(group.bytes);
    rows += group.rows;
  }
  if (rows == 0) {
    units.push_back({{file, true, 0, 0}, bytes, weight});
    return;
  }
  int64_t row = 0;
  for (const auto& group : row_groups) {
    if (group.rows == 0) continue;
    // A writer may leave the sizes out.
    double share = total > 0 ? static_cast<double>(group.bytes) / total
                             : static_cast<double>(group.rows) / static_cast<double>(rows);
    units.push_back({{file, false, row, row + group.rows},
                     static_cast<uint64_t>(share * static_cast<double>(bytes)),
                     std::max(1.0, share * weight)});
    row += group.rows;
  }
}

// Returns how many even splits make whole rounds of tasks, or 1 where there are many rounds.
uint64_t WholeRounds(double splits, uint64_t total_bytes, const SplitTarget& target) {
  if (target.at_a_time <= 1) return 1;
  auto at_a_time = static_cast<double>(target.at_a_time);
  double rounds = std::max(1.0, std::ceil(splits / at_a_time));
  if (rounds > kMaxWholeRounds) return 1;
  uint64_t most = std::max<uint64_t>(1, total_bytes / kSmallestSplitBytes);
  return std::min(most, static_cast<uint64_t>(rounds * at_a_time));
}

}  // namespace

std::vector<Split> CutFiles(const std::vector<std::optional<uint64_t>>& bytes,
                            const SplitTarget& target, const RowGroupReader& read_row_groups) {
  double target_weight = static_cast<double>(std::max<uint64_t>(1, target.bytes));
  std::vector<double> weights;
  double total_weight = 0;
  uint64_t total_bytes = 0;
  for (const auto& file_bytes : bytes) {
    double smallest = std::max(1.0, target_weight / kMaxFilesPerSplit);
    weights.push_back(file_bytes ? std::max(static_cast<double>(*file_bytes), smallest)
                                 : target_weight);
    total_weight += weights.back();
    total_bytes += file_bytes.value_or(0);
  }
  uint64_t wanted = target.exactly ? static_cast<uint64_t>(*target.exactly)
                                   : WholeRounds(total_weight / target_weight, total_bytes, target);
  double even = total_weight / static_cast<double>(std::max<uint64_t>(1, wanted));
  double largest = target.exactly ? even : std::min(target_weight, even);

  std::vector<size_t> large;
  for (size_t file = 0; file < bytes.size(); ++file) {
    if (bytes[file] && weights[file] > largest) large.push_back(file);
  }
  std::vector<std::vector<RowGroup>> row_groups(bytes.size());
  if (!large.empty()) {
    auto read = read_row_groups(large);
    for (size_t i = 0; i < large.size(); ++i) row_groups[large[i]] = std::move(read[i]);
  }
  std::vector<Unit> units;
  std::vector<int64_t> rows(bytes.size(), 0);
  for (size_t file = 0; file < bytes.size(); ++file) {
    AddUnits(file, bytes[file].value_or(0), weights[file], row_groups[file], rows[file], units);
  }
  bool is_count_given = target.exactly || even < target_weight;
  return is_count_given ? Spread(units, wanted, SplitBuilder(rows))
                        : Fill(units, target_weight, SplitBuilder(rows));
}

}  // namespace smallpond
