#pragma once

#include <string>

namespace smallpond {

/// Returns the name of a folder for what this process writes. It tells which process that is: a
/// note in the folder would come after it and go before it, and a crash in between would leave a
/// folder of nobody's.
///
///     attempt-1f3a9c02-MACHINE-PID-START
///
/// MACHINE stands for the host, its boot and the PID namespace; START is when the process started,
/// and missing where it can't be known.
std::string AttemptName(const std::string& tag);

/// The same with another first word. Neither it nor the tag holds a "-".
std::string OwnedName(const std::string& prefix, const std::string& tag);

/// Whether a name has exactly the form that OwnedName gives it with this prefix.
bool IsOwnedName(const std::string& name, const std::string& prefix);

/// Whether a folder of this name is an attempt.
bool IsAttempt(const std::string& name);

/// What is known of the process that a folder's name tells of.
enum class Owner {
  kRuns,     ///< It is on this machine, and runs.
  kGone,     ///< It was on this machine, and has ended.
  kUnknown,  ///< It is on another machine or in another PID namespace, which can't be seen.
};
Owner OwnerOf(const std::string& name);

/// The name of an attempt that lies beside the output, a folder or a file of the name `output`:
///
///     .out.attempt-1f3a9c02-MACHINE-PID-START
std::string SiblingAttemptName(const std::string& output, const std::string& tag);

/// Whether a file or folder of this name is such an attempt, of any output or of `output`.
bool IsSiblingAttempt(const std::string& name);
bool IsSiblingAttempt(const std::string& name, const std::string& output);

/// Whether the process that writes the attempt (or another folder with such a name) may still be
/// running: it is seen to, or it can't be seen and the folder is younger than `kForeignAttemptDays`
/// days.
bool AttemptOwnerMayLive(const std::string& attempt_folder);

/// Notes that the manifest that lies in the attempt is about to leave it, by which the attempt is
/// committed; or that it did not. Throws Io.
void MarkCommitting(const std::string& attempt_folder);
void UnmarkCommitting(const std::string& attempt_folder);

/// Whether a manifest may name the attempt: it was marked, no manifest lies in it any more, and it
/// is younger than `kForeignAttemptDays` days. The manifest's folder may have another name by now.
bool MayBeCommitted(const std::string& attempt_folder);

inline constexpr int kForeignAttemptDays = 7;

}  // namespace smallpond
