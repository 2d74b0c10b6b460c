#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace smallpond {

/// Throws Io: "Making the folder 'PATH' failed: REASON."
[[noreturn]] void ThrowIo(const std::string& what, const std::filesystem::path& path,
                          const std::error_code& error);

}  // namespace smallpond
