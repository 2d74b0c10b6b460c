#include "storage/files/file_hash.h"

#include <system_error>

#include "base/content_hash.h"
#include "storage/files/file_system.h"
#include "storage/files/io_error.h"

namespace smallpond {

std::string HashFile(const std::string& path) {
  ContentHasher hasher;
  std::error_code error =
      ReadPieces(path, [&](std::string_view piece) { hasher.Add(piece.data(), piece.size()); });
  if (error) ThrowIo("Reading", path, error);
  return hasher.Hash();
}

}  // namespace smallpond
