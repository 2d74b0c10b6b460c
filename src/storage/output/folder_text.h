#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace smallpond {

// A text kept in the names of empty folders: whoever lists the files below finds none. Each name
// holds a piece of it, "000000-BASE64URL" and so on, in the alphabet that every file system and
// every reader's path parser takes.

/// Makes the folder `path` with `text` in it. Durable when it returns, but for its own name. Throws
/// Io.
void MakeFolderText(const std::filesystem::path& path, const std::string& text);

/// Returns the text of the folder, up to the first piece that is missing or none of ours: the
/// folder may be damaged, or just being removed. Nothing where there is no such folder. Throws Io.
std::optional<std::string> ReadFolderText(const std::filesystem::path& path);

}  // namespace smallpond
