#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "duckdb_adapter/cut/cut_query.h"
#include "storage/input/splits.h"
#include "task/scan_list.h"

namespace smallpond {

/// What the tasks read of the files of one query's scans.
class ScanDivision {
 public:
  /// Opens a connection that sees the files as the session does.
  using Connect = std::function<std::unique_ptr<Connection>()>;

  /// `connect` must outlive this. It is called once, where the first footer is to be read: a
  /// session's statements are run anew on each connection, and most files are small.
  ScanDivision(const Connect& connect, SplitTarget target) : connect_(connect), target_(target) {}

  /// Cuts a scan's files into splits and returns how many. The files are looked at now: a task
  /// finds out whether they have changed since. Throws Io where one is missing.
  size_t Divide(const FragmentScan& scan);
  const std::vector<Split>& SplitsOf(const FragmentScan& scan) const;
  /// Returns how large the files of all scans are together, each once however many scans read it,
  /// or nothing where one's size is unknown.
  std::optional<double> TotalBytes() const;

  /// Gives a task one split, or everything.
  void Add(const FragmentScan& scan, const Split& split, TaskScans& task) const;
  void AddAll(const FragmentScan& scan, TaskScans& task) const;

 private:
  struct Division {
    std::vector<Split> splits;
    std::vector<FileIdentity> files;  // By position; of remote ones only the path.
  };

  Connection& OfFooters();

  const Connect& connect_;
  std::unique_ptr<Connection> of_footers_;  // Null until the first one is read.
  SplitTarget target_;
  std::map<int, Division> divisions_;  // By the scan's id.
};

}  // namespace smallpond
