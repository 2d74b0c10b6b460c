#include "action/input_lists.h"

#include <string>
#include <utility>

#include "storage/files/file_identity.h"
#include "storage/files/file_system.h"
#include "storage/job/checked_text.h"

namespace smallpond {

int InputLists::VersionOf(int stage, const std::vector<int>& input_versions) {
  if (input_versions.empty()) return -1;
  Last& last = last_[stage];
  if (last.version >= 0 && last.input_versions == input_versions) return last.version;
  std::string path = directory_.path() + "/" + InputsFileName(stage, last.version + 1);
  InputList list = InputListOf(plan_, stage, input_versions);
  AddContent(list);
  WriteNew(directory_.Opened(path), WithChecksum(FormatInputList(list), path));
  last.input_versions = input_versions;
  return ++last.version;
}

// What is not there, or too much, stays for the tasks to open: they tell that it is lost.
void InputLists::AddContent(InputList& list) const {
  uint64_t left = kMaxContentBytes;
  for (auto& input : list.inputs) {
    if (!plan_.graph.stages[static_cast<size_t>(input.stage)].is_given) continue;
    std::string path = directory_.Opened(directory_.AttemptPath(input.stage, 0, 0));
    FileIdentity file = Identify(path);
    if (file.inode == 0 || file.bytes > left) continue;
    std::string content;
    if (ReadText(path, content) || content.size() != file.bytes) continue;
    input.content = std::move(content);
    left -= file.bytes;
  }
}

}  // namespace smallpond
