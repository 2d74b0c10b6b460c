#pragma once

#include <cstdint>
#include <filesystem>
#include <system_error>

namespace smallpond {

/// A regular file that is open for reading. Whoever has it closes the descriptor.
struct OpenedFile {
  int descriptor = -1;  ///< -1 where it could not be opened.
  uint64_t bytes = 0;   ///< When it was opened.
  std::error_code error = {};
};

/// Opens a file for reading, at the end of all links, and never waits for somebody at the other end
/// of it. What is no regular file gives the errors that open(2) and read(2) have for some of them:
/// is_a_directory; or no_such_device_or_address, of a pipe, a device or a socket.
OpenedFile OpenToRead(const std::filesystem::path& path);

}  // namespace smallpond
