#pragma once

#include <functional>
#include <string>

namespace smallpond {

/// Called with "linked" and "removed" for each file that is published or not needed any more.
using PublishHook = std::function<void(const char* step)>;

/// Gives the files of the folder's latest version their final names, removes those of earlier ones,
/// and notes that. Any number of processes may do it at a time, each of them may die anywhere, and
/// what was done before is not done again: work and time go with the files that the version adds
/// and replaces, not with those that it keeps. Throws Io.
void PublishLatest(const std::string& folder, const PublishHook& hook);

/// Brings an output folder to the state that its latest manifest says: publishes what an
/// interrupted writer left, removes files of earlier versions and attempts of dead writers. Any
/// number of processes may do it at a time.
void RecoverOutputFolder(const std::string& folder);

}  // namespace smallpond
