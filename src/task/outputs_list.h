#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace smallpond {

/// Which attempts' files are the outputs of a stage. One is written whenever the stage is complete,
/// under a new version, and never changed.
struct OutputsList {
  /// The output of one task: `task-T.attempt-A.exchange` in the list's folder.
  struct File {
    int attempt = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    uint64_t file_id = 0;  ///< Of the exchange file. Another file of the name is not the output.
  };

  int stage = 0;
  int version = 0;
  std::vector<File> files;  ///< One for each task, in order.
};

/// The list as JSON: {"format": 2, "stage", "version", "files": [[attempt, rows, bytes,
/// file id], …]}.
std::string FormatOutputsList(const OutputsList& list);
/// Throws Internal where the text is no list. `name` is for the message.
OutputsList ParseOutputsList(const std::string& text, const std::string& name);

}  // namespace smallpond
