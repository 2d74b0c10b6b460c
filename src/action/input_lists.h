#pragma once

#include <map>
#include <vector>

#include "planner/stage_plan.h"
#include "storage/job/job_directory.h"

namespace smallpond {

/// Writes the lists of what the stages of a job read from others (InputList). Rows of this process
/// that are few travel in them. One thread uses it, that of the job's scheduler; plan and directory
/// must outlive it.
class InputLists {
 public:
  InputLists(const StagePlan& plan, const JobDirectory& directory)
      : plan_(plan), directory_(directory) {}

  /// Returns the version of the list by which a stage reads these versions of its inputs, which is
  /// written where it is not the stage's last one; -1 where it reads no other stage. Throws Io.
  int VersionOf(int stage, const std::vector<int>& input_versions);

  static constexpr uint64_t kMaxContentBytes = 1 << 20;  ///< Of the files in one list.

 private:
  void AddContent(InputList& list) const;

  struct Last {
    int version = -1;
    std::vector<int> input_versions;
  };

  const StagePlan& plan_;
  const JobDirectory& directory_;
  std::map<int, Last> last_;  // By stage.
};

}  // namespace smallpond
