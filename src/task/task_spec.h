#pragma once

#include <cstdint>
#include <string>

#include "exchange/exchange_output.h"
#include "storage/files/opened_folder.h"
#include "task/task_id.h"

namespace smallpond {

/// What a worker needs to know to run one attempt. It refers to files of the job's folder for
/// everything whose size grows with the query or its data, so that it stays below kMaxSpecBytes.
struct TaskSpec {
  TaskId id;
  std::string job_folder;
  FolderAccess job_folder_access;  ///< By which a worker knows that it has the driver's folder.
  std::string fragment;            ///< Its hash, which is its name in the job's folder.
  int inputs_version = -1;  ///< Of the stage's list of inputs; -1 where it reads no other stage.
  /// The partitions to read of inputs by hash or range, as far as an input has them, the last one
  /// not included. Of others everything is read.
  uint32_t partition_begin = 0;
  uint32_t partition_end = 0;
  bool has_scans = false;  ///< Whether the stage has a list of what its tasks read from files.
  /// Whether the stage writes files for users, as a file of the job tells; else `output` does.
  bool writes_files = false;
  ExchangeOutput output;
};

constexpr size_t kMaxSpecBytes = 4096;

/// The spec as JSON with a version. Throws Unsupported where the path of the job's folder is no
/// UTF-8, or so long that the spec is larger than kMaxSpecBytes.
std::string FormatTaskSpec(const TaskSpec& spec);
/// Throws Internal where the text is no spec of this version.
TaskSpec ParseTaskSpec(const std::string& text);

}  // namespace smallpond
