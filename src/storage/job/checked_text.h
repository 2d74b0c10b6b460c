#pragma once

#include <string>

namespace smallpond {

// What stands in a job's folder lies there for hours, on storage that may fail and that others may
// reach. So a worker checks what it reads: exchange files have checksums in all their parts,
// fragments are named by their hash, and lists are written as these functions do.

/// Returns what the file at `path` is to hold for a list of the job, which is JSON:
///
///     {"checksum": "32 hexadecimal digits", "content":
///     LIST}
///
/// The checksum is one of the list and of the last three parts of the path, of which the first is
/// the job's name, so that one list does not pass for another.
std::string WithChecksum(const std::string& list, const std::string& path);

/// Returns the list that such a file holds. Throws Io, which names the file, where it is not the
/// one that was written.
std::string CheckedList(const std::string& file, const std::string& path);

/// Returns a fragment that was read from `path`, whose last part is its hash. Throws Io, which
/// names the file, where it is another.
std::string CheckedFragment(std::string bytes, const std::string& path);

}  // namespace smallpond
