#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

namespace smallpond {

// A text kept in the names of empty folders: whoever lists the files below finds none. Each name
// holds a piece of it, "000000-BASE64URL" and so on, in the alphabet that every file system and
// every reader's path parser takes. It is made under a name that nobody else knows, and created
// with another, whole or not at all.

/// Makes the folder `path` with `text` in it. Durable when it returns, but for its own name. Throws
/// Io.
void MakeFolderText(const std::filesystem::path& path, const std::string& text);

/// Gives what MakeFolderText made at `made` the name `path`, unless that is taken. Of several
/// processes that try one does it, also on network file systems. Returns no error where it is this
/// one; file_exists where the name is taken, also by a file; no_such_file_or_directory where the
/// folder that it is to be in is missing, or `made` itself. Others say why it failed.
[[nodiscard]] std::error_code CreateFolderText(const std::filesystem::path& made,
                                               const std::filesystem::path& path);

/// Returns the text of the folder, up to the first piece that is missing or none of ours: the
/// folder may be damaged, or just being removed. Nothing where there is no such folder. Throws Io.
std::optional<std::string> ReadFolderText(const std::filesystem::path& path);

/// Removes it, or a file of the name. It is called `aside`, a name of the same folder, until it is
/// gone, so that nobody reads half of it under its own. What can't be removed stays.
void RemoveFolderText(const std::filesystem::path& path, const std::filesystem::path& aside);

}  // namespace smallpond
