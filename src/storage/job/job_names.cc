#include "storage/job/job_names.h"

namespace smallpond {

std::string StageFolderName(int stage) { return "stage-" + std::to_string(stage); }

std::string FragmentFileName(const std::string& hash) { return "fragments/" + hash; }

std::string ScanListFileName(int stage, int task) {
  return StageFolderName(stage) + "/scans-" + std::to_string(task / kTasksPerScanList) + ".json";
}

std::string InputsFileName(int stage, int version) {
  return StageFolderName(stage) + "/inputs-" + std::to_string(version) + ".json";
}

std::string FileOutputName(int stage) { return StageFolderName(stage) + "/files.json"; }

std::string AttemptFileName(int stage, int task, int attempt) {
  return StageFolderName(stage) + "/task-" + std::to_string(task) + ".attempt-" +
         std::to_string(attempt) + ".exchange";
}

std::string OutputsFileName(int stage, int version) {
  return StageFolderName(stage) + "/outputs-" + std::to_string(version) + ".json";
}

std::string AttemptFolderName(int task, int attempt) {
  return std::to_string(task) + "-" + std::to_string(attempt);
}

}  // namespace smallpond
