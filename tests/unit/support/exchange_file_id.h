#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "exchange/exchange_format.h"

namespace smallpond {

/// The id in the trailer of an exchange file, as its writer tells it; 0 where there is no trailer.
inline uint64_t FileIdIn(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  ExchangeTrailer trailer{};
  if (bytes.size() < sizeof(trailer)) return 0;
  std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof(trailer), sizeof(trailer));
  return trailer.file_id;
}

}  // namespace smallpond
