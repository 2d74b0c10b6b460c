#pragma once

#include <string>

#include "observe/frame_explanation.h"

namespace smallpond {

/// The explanation as one JSON object. docs/explain.md has the keys, which stay as they are.
std::string FormatJson(const FrameExplanation& explanation);

}  // namespace smallpond
