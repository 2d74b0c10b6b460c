#pragma once

#include <string>

namespace smallpond {

/// Notes in an attempt's folder which process writes it. Throws Io.
void WriteAttemptOwner(const std::string& attempt_folder);

/// Whether the process that writes the attempt may still be running: it is on this machine and
/// runs, or it is elsewhere and the folder is younger than `kForeignAttemptDays` days.
bool AttemptOwnerMayLive(const std::string& attempt_folder);

inline constexpr int kForeignAttemptDays = 7;

}  // namespace smallpond
