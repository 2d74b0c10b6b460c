#pragma once

#include <string>

namespace smallpond {

// Where things are in a job's folder, which every worker sees:
//
//   JOB/events.jsonl                          what happened
//   JOB/fragments/HASH                        plans, written once
//   JOB/stage-S/scans-N.json                  what tasks read from files, kTasksPerScanList each
//   JOB/stage-S/inputs-V.json                 what tasks read from other stages
//   JOB/stage-S/files.json                    which files its tasks write for users
//   JOB/stage-S/task-T.attempt-A.exchange     what an attempt wrote
//   JOB/stage-S/outputs-V.json                which attempts count

/// How many tasks' scans one file lists.
constexpr int kTasksPerScanList = 500;

std::string StageFolderName(int stage);
std::string FragmentFileName(const std::string& hash);
std::string ScanListFileName(int stage, int task);
std::string InputsFileName(int stage, int version);
std::string FileOutputName(int stage);
std::string AttemptFileName(int stage, int task, int attempt);
std::string OutputsFileName(int stage, int version);

/// The folder of an attempt that writes files for users, below the staging folder of the output.
std::string AttemptFolderName(int task, int attempt);

}  // namespace smallpond
