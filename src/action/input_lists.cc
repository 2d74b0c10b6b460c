#include "action/input_lists.h"

#include <string>

#include "storage/job/checked_text.h"

namespace smallpond {

int InputLists::VersionOf(int stage, const std::vector<int>& input_versions) {
  if (input_versions.empty()) return -1;
  Last& last = last_[stage];
  if (last.version >= 0 && last.input_versions == input_versions) return last.version;
  std::string path = directory_.path() + "/" + InputsFileName(stage, last.version + 1);
  std::string list = FormatInputList(InputListOf(plan_, stage, input_versions));
  JobDirectory::WriteNew(path, WithChecksum(list, path));
  last.input_versions = input_versions;
  return ++last.version;
}

}  // namespace smallpond
