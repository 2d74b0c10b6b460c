#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/output/output_manifest.h"

namespace smallpond {

/// The committed files of an output folder, as readers find them; nothing where there are none.
inline std::optional<std::vector<std::string>> CommittedFiles(const std::string& folder) {
  auto manifest = ReadLatestManifest(folder);
  if (!manifest) return std::nullopt;
  return PathsNow(folder, *manifest);
}

}  // namespace smallpond
