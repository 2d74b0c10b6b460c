#include "planner/scan_division.h"

#include <set>
#include <string_view>

#include "planner/scan_splits.h"
#include "smallpond/error.h"
#include "storage/files/paths.h"

namespace smallpond {

size_t ScanDivision::Divide(const FragmentScan& scan) {
  Division division;
  std::vector<std::optional<uint64_t>> bytes;
  for (const auto& path : scan.files) {
    if (IsRemote(path)) {
      division.files.push_back({path, 0, 0, 0});
      bytes.push_back(std::nullopt);
      continue;
    }
    division.files.push_back(Identify(path));
    if (division.files.back().inode == 0) {
      throw Error(ErrorKind::kIo, "'" + path + "' is gone. Run this again.");
    }
    bytes.push_back(division.files.back().bytes);
  }
  FilesToCut files{
      .is_parquet = scan.function == "read_parquet",
      .paths = scan.files,
      .bytes = bytes,
      .stays_whole = [&](const std::string&) { return !scan.divides_files; },
      .connection = [&]() -> Connection& { return OfFooters(); },
  };
  division.splits = CutScan(files, target_);
  return (divisions_[scan.id] = std::move(division)).splits.size();
}

Connection& ScanDivision::OfFooters() {
  if (!of_footers_) of_footers_ = connect_();
  return *of_footers_;
}

const std::vector<Split>& ScanDivision::SplitsOf(const FragmentScan& scan) const {
  return divisions_.at(scan.id).splits;
}

std::optional<double> ScanDivision::TotalBytes() const {
  double bytes = 0;
  std::set<std::string_view> counted;
  for (const auto& [id, division] : divisions_) {
    for (const auto& file : division.files) {
      if (file.inode == 0) return std::nullopt;
      if (counted.insert(file.path).second) bytes += static_cast<double>(file.bytes);
    }
  }
  return bytes;
}

void ScanDivision::Add(const FragmentScan& scan, const Split& split, TaskScans& task) const {
  const Division& division = divisions_.at(scan.id);
  for (const auto& part : split.parts) {
    const FileIdentity& file = division.files[part.file];
    task.scans[scan.id].parts.push_back({.path = file.path,
                                         .number = static_cast<int64_t>(part.file),
                                         .is_whole = part.is_whole,
                                         .row_begin = part.row_begin,
                                         .row_end = part.row_end});
    if (file.inode != 0) task.files.push_back(file);
  }
}

void ScanDivision::AddAll(const FragmentScan& scan, TaskScans& task) const {
  auto& parts = task.scans[scan.id].parts;
  for (const auto& file : divisions_.at(scan.id).files) {
    parts.push_back({.path = file.path, .number = static_cast<int64_t>(parts.size())});
    if (file.inode != 0) task.files.push_back(file);
  }
}

}  // namespace smallpond
