#pragma once

#include <map>
#include <string>
#include <vector>

#include "duckdb_adapter/fragment/task_inputs.h"
#include "storage/files/file_identity.h"

namespace smallpond {

/// What one task reads from files.
struct TaskScans {
  std::map<int, ScanInput> scans;   ///< By the scan's id in the fragment.
  std::vector<FileIdentity> files;  ///< The local ones, as they were when the job was planned.
};

/// The scans of neighbouring tasks, as JSON.
std::string FormatScanList(const std::vector<TaskScans>& tasks);
/// Throws Internal where the text is no such list. `name` is for the message.
std::vector<TaskScans> ParseScanList(const std::string& text, const std::string& name);

}  // namespace smallpond
