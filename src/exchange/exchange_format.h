#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace smallpond {

// An exchange file, from its first byte to its last:
//
//   run 0        blocks of partition 0, blocks of partition 1, …
//   run 1        blocks of partition 0, …
//   …
//   index        where each partition's blocks lie in each run
//   description  the writer's opaque bytes: names and types
//   trailer      ExchangeTrailer
//
// The trailer is written last, so that a torn file has none. A block is the unit that is read and
// checked; a *segment* is all blocks of one partition in one run. Neighbouring partitions are
// neighbours in each run, so that a reader of partitions [b, e) reads one range a run.
//
// The index is cut into groups of kIndexGroupPartitions partitions, each with a checksum of its
// own: a reader reads the groups that it needs, not what a thousand other readers need. Group g
// holds ExchangeSegment[run][partition of the group], then the checksum.
//
// All numbers are little-endian, all parts begin at a multiple of 8. Checksums are XXH3 seeded by
// the file's random id (and the part's place), so that a part of another file, or of another place
// in this one, is not taken for the right one. A whole file of another writer fits itself: who
// reads is told the id of the file that is to be there.

constexpr uint32_t kExchangeVersion = 1;
constexpr std::array<char, 8> kExchangeMagic = {'S', 'P', 'X', 'C', 'H', 'N', 'G', '\n'};
constexpr uint32_t kIndexGroupPartitions = 32;

struct ExchangeBlockHeader {
  uint32_t partition;
  uint32_t rows;
  uint64_t payload_bytes;  // A multiple of 8.
  uint64_t checksum;       // Of the fields above and the payload.
};
static_assert(sizeof(ExchangeBlockHeader) == 24);

struct ExchangeSegment {
  uint64_t offset;
  uint64_t bytes;
  uint64_t rows;
};
static_assert(sizeof(ExchangeSegment) == 24);

struct ExchangeTrailer {
  uint64_t file_id;
  uint64_t file_bytes;
  uint64_t rows;
  uint64_t index_offset;
  uint64_t description_offset;
  uint64_t description_bytes;
  uint64_t description_checksum;
  uint32_t num_runs;
  uint32_t num_partitions;
  uint64_t checksum;  // Of the fields above.
  uint32_t version;
  uint32_t trailer_bytes;
  std::array<char, 8> magic;
};
static_assert(sizeof(ExchangeTrailer) == 88);

/// The checksum of a block. `header.checksum` is not part of it.
uint64_t BlockChecksum(const ExchangeBlockHeader& header, const char* payload, uint64_t file_id);
uint64_t IndexGroupChecksum(const void* segments, size_t bytes, uint32_t group, uint64_t file_id);
uint64_t DescriptionChecksum(const void* bytes, size_t size, uint64_t file_id);
uint64_t TrailerChecksum(const ExchangeTrailer& trailer);

constexpr uint32_t NumIndexGroups(uint32_t num_partitions) {
  return (num_partitions + kIndexGroupPartitions - 1) / kIndexGroupPartitions;
}
/// The bytes of a whole group with its checksum.
constexpr uint64_t IndexGroupBytes(uint32_t num_runs, uint32_t partitions_of_group) {
  return uint64_t{num_runs} * partitions_of_group * sizeof(ExchangeSegment) + sizeof(uint64_t);
}

}  // namespace smallpond
