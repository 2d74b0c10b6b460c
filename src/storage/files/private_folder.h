#pragma once

#include <filesystem>
#include <string>

namespace smallpond {

/// Returns 128 random bits in hexadecimal digits: a name that nobody guesses or has twice.
std::string RandomTag();

/// Makes a folder that only this account may enter; a umask can take away more, never less. Throws
/// Io, also where anything of that name exists, a link included: another account may have put it
/// there.
void MakePrivateFolder(const std::string& path);

/// Makes the folder and those above it as far as they are missing, for this account alone. What
/// exists is taken as it is, since somebody chose it. Throws Io.
void MakePrivateFolders(const std::filesystem::path& path);

/// Whether it is a folder of this account, and no link to one.
bool IsOwnFolder(const std::filesystem::path& path);

}  // namespace smallpond
