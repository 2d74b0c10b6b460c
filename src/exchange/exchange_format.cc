#include "exchange/exchange_format.h"

#include <cstddef>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace smallpond {

uint64_t BlockChecksum(const ExchangeBlockHeader& header, const char* payload, uint64_t file_id) {
  uint64_t seed = XXH3_64bits_withSeed(&header, offsetof(ExchangeBlockHeader, checksum), file_id);
  return XXH3_64bits_withSeed(payload, header.payload_bytes, seed);
}

uint64_t IndexGroupChecksum(const void* segments, size_t bytes, uint32_t group, uint64_t file_id) {
  return XXH3_64bits_withSeed(segments, bytes, file_id + group);
}

uint64_t DescriptionChecksum(const void* bytes, size_t size, uint64_t file_id) {
  return XXH3_64bits_withSeed(bytes, size, file_id);
}

uint64_t TrailerChecksum(const ExchangeTrailer& trailer) {
  return XXH3_64bits(&trailer, offsetof(ExchangeTrailer, checksum));
}

}  // namespace smallpond
