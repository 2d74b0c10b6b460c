#include "exchange/exchange_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "storage/files/open_file.h"

namespace smallpond {
namespace {

// The first read takes the trailer, and of most files description and index with it.
constexpr uint64_t kTailBytes = 16 << 10;
// Blocks are read in pieces of this size: large enough for a network's file system, small enough
// for one a thread.
constexpr uint64_t kWindowBytes = 2 << 20;

// Whether an error of OpenToRead says that the file is lost, or something else has its name. Others
// say something about this process, such as too many open files, and writing the file again would
// not help.
bool IsLost(int code) {
  return code == ENOENT || code == ENOTDIR || code == ESTALE || code == EIO || code == ENXIO ||
         code == EISDIR || code == ELOOP;
}

}  // namespace

ExchangeReader::ExchangeReader(std::string path, uint64_t file_id,
                               std::shared_ptr<const std::string> content)
    : path_(std::move(path)), content_(std::move(content)) {
  if (content_) {
    file_bytes_ = content_->size();
  } else {
    Open();
  }
  try {
    ReadTrailer(file_id);
  } catch (...) {
    if (file_ >= 0) close(file_);
    throw;
  }
}

ExchangeReader::~ExchangeReader() {
  if (file_ >= 0) close(file_);
}

void ExchangeReader::Open() {
  OpenedFile opened = OpenToRead(path_);
  if (const std::error_code& error = opened.error) {
    if (error == std::errc::no_such_file_or_directory) Fail("it does not exist");
    if (error == std::errc::no_such_device_or_address) Fail("it is a pipe or a device");
    if (IsLost(error.value())) Fail(error.message());
    throw Error(ErrorKind::kIo,
                "Exchange file " + path_ + " can't be opened: " + error.message() + ".");
  }
  file_ = opened.descriptor;
  file_bytes_ = opened.bytes;
}

void ExchangeReader::ReadTrailer(uint64_t file_id) {
  if (file_bytes_ < sizeof(trailer_)) Fail("it is torn, it has no trailer");
  tail_.resize(std::min(file_bytes_, kTailBytes));
  Read(file_bytes_ - tail_.size(), tail_.size(), tail_.data());
  std::memcpy(&trailer_, tail_.data() + tail_.size() - sizeof(trailer_), sizeof(trailer_));
  if (trailer_.magic != kExchangeMagic) Fail("it is torn or no exchange file, it has no trailer");
  if (trailer_.version != kExchangeVersion || trailer_.trailer_bytes != sizeof(trailer_)) {
    Fail("it has version " + std::to_string(trailer_.version) + ", this program reads version " +
         std::to_string(kExchangeVersion));
  }
  if (trailer_.checksum != TrailerChecksum(trailer_)) Fail("its trailer is damaged");
  if (trailer_.file_id != file_id) Fail("it is not the file that was written under this name");
  if (trailer_.file_bytes != file_bytes_) {
    Fail("it has " + std::to_string(file_bytes_) + " bytes and was written with " +
         std::to_string(trailer_.file_bytes));
  }
  description_.resize((trailer_.description_bytes + 7) / 8 * 8);
  Read(trailer_.description_offset, description_.size(), description_.data());
  if (trailer_.description_checksum !=
      DescriptionChecksum(description_.data(), description_.size(), trailer_.file_id)) {
    Fail("its description is damaged");
  }
  description_.resize(trailer_.description_bytes);
}

void ExchangeReader::Read(uint64_t offset, size_t bytes, void* out) const {
  if (bytes == 0) return;
  char* next = static_cast<char*>(out);
  uint64_t tail_offset = file_bytes_ - tail_.size();
  if (trailer_.file_id != 0 && offset >= tail_offset && offset + bytes <= file_bytes_) {
    std::memcpy(next, tail_.data() + (offset - tail_offset), bytes);
    return;
  }
  if (content_) {
    if (offset > file_bytes_ || bytes > file_bytes_ - offset) Fail("it ends too early");
    std::memcpy(next, content_->data() + offset, bytes);
    return;
  }
  while (bytes > 0) {
    ssize_t count = pread(file_, next, bytes, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) Fail(std::strerror(errno));
    if (count == 0) Fail("it ends at byte " + std::to_string(offset));
    next += count;
    offset += static_cast<uint64_t>(count);
    bytes -= static_cast<size_t>(count);
  }
}

std::vector<ExchangeSegment> ExchangeReader::ReadGroup(uint32_t group) const {
  uint32_t in_group =
      std::min(kIndexGroupPartitions, trailer_.num_partitions - group * kIndexGroupPartitions);
  std::vector<ExchangeSegment> segments(size_t{trailer_.num_runs} * in_group);
  size_t bytes = segments.size() * sizeof(ExchangeSegment);
  // All groups before this one are whole.
  uint64_t offset =
      trailer_.index_offset + group * IndexGroupBytes(trailer_.num_runs, kIndexGroupPartitions);
  uint64_t checksum = 0;
  Read(offset, bytes, segments.data());
  Read(offset + bytes, sizeof(checksum), &checksum);
  if (checksum != IndexGroupChecksum(segments.data(), bytes, group, trailer_.file_id)) {
    Fail("its index is damaged");
  }
  return segments;
}

std::vector<ExchangeExtent> ExchangeReader::Extents(uint32_t begin, uint32_t end,
                                                    uint64_t max_bytes) const {
  if (begin > end || end > trailer_.num_partitions) {
    throw Error(ErrorKind::kInternal, "Partitions " + std::to_string(begin) + " to " +
                                          std::to_string(end) + " of exchange file " + path_ +
                                          ", which has " + std::to_string(trailer_.num_partitions) +
                                          ".");
  }
  std::vector<std::vector<ExchangeExtent>> runs(trailer_.num_runs);
  for (uint32_t partition = begin; partition < end;) {
    uint32_t group = partition / kIndexGroupPartitions;
    uint32_t group_begin = group * kIndexGroupPartitions;
    uint32_t group_end = std::min(group_begin + kIndexGroupPartitions, trailer_.num_partitions);
    uint32_t group_stop = std::min(end, group_end);
    auto segments = ReadGroup(group);
    for (uint32_t run = 0; run < trailer_.num_runs; ++run) {
      auto& extents = runs[run];
      for (uint32_t p = partition; p < group_stop; ++p) {
        const auto& segment = segments[size_t{run} * (group_end - group_begin) + p - group_begin];
        if (segment.rows == 0) continue;
        if (!extents.empty() && extents.back().bytes + segment.bytes <= max_bytes) {
          extents.back().bytes += segment.bytes;
          extents.back().rows += segment.rows;
          extents.back().partition_end = p + 1;
        } else {
          extents.push_back({segment.offset, segment.bytes, segment.rows, p, p + 1});
        }
      }
    }
    partition = group_stop;
  }
  std::vector<ExchangeExtent> all;
  for (auto& extents : runs) all.insert(all.end(), extents.begin(), extents.end());
  return all;
}

void ExchangeBlockReader::Fail(const std::string& what) const {
  reader_.Fail("partitions " + std::to_string(extent_.partition_begin) + " to " +
               std::to_string(extent_.partition_end) + " at byte " +
               std::to_string(extent_.offset + position_) + ": " + what);
}

const char* ExchangeBlockReader::Need(size_t bytes) {
  if (position_ + bytes > extent_.bytes) Fail("the block reaches beyond its segment");
  if (!window_ || position_ + bytes > window_start_ + window_->size()) {
    // A new buffer: blocks that were handed out may still be in use. It starts with what the old
    // one has of this block.
    auto next = std::make_shared<ByteBuffer>();
    uint64_t known = window_ ? window_start_ + window_->size() - position_ : 0;
    uint64_t size = std::min(extent_.bytes - position_, std::max<uint64_t>(bytes, kWindowBytes));
    char* start = next->Grow(size);
    if (known > 0) std::memcpy(start, window_->data() + (position_ - window_start_), known);
    reader_.Read(extent_.offset + position_ + known, size - known, start + known);
    window_ = std::move(next);
    window_start_ = position_;
  }
  return window_->data() + (position_ - window_start_);
}

bool ExchangeBlockReader::Next(ExchangeBlock* block) {
  if (position_ == extent_.bytes) {
    if (rows_ != extent_.rows) Fail("rows are missing");
    return false;
  }
  ExchangeBlockHeader header;
  std::memcpy(&header, Need(sizeof(header)), sizeof(header));
  if (header.payload_bytes % 8 != 0 || header.payload_bytes > extent_.bytes) {
    Fail("the block's header is damaged");
  }
  const char* start = Need(sizeof(header) + header.payload_bytes);
  const char* payload = start + sizeof(header);
  if (header.checksum != BlockChecksum(header, payload, reader_.trailer_.file_id)) {
    Fail("the block's checksum is wrong");
  }
  if (header.partition < extent_.partition_begin || header.partition >= extent_.partition_end) {
    Fail("the block is one of partition " + std::to_string(header.partition));
  }
  position_ += sizeof(header) + header.payload_bytes;
  rows_ += header.rows;
  *block = {header.partition, header.rows, payload, header.payload_bytes, window_};
  return true;
}

}  // namespace smallpond
