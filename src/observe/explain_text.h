#pragma once

#include <string>

#include "observe/frame_explanation.h"

namespace smallpond {

/// The explanation as text, in lines that fit a terminal.
std::string FormatText(const FrameExplanation& explanation);

}  // namespace smallpond
