#include "exchange/exchange_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <random>
#include <utility>

#include "smallpond/error.h"

namespace smallpond {
namespace {

uint64_t RandomId() {
  std::random_device source;
  return (uint64_t{source()} << 32) | source();
}

// One write(2) takes at most 2 GiB; less keeps it interruptible.
constexpr size_t kWriteBytes = size_t{64} << 20;

}  // namespace

ByteBuffer& ExchangeRun::BeginBlock() {
  block_start_ = bytes_.size();
  bytes_.Grow(sizeof(ExchangeBlockHeader));
  return bytes_;
}

void ExchangeRun::EndBlock(uint32_t partition, uint32_t rows) {
  if (partition >= num_partitions_ ||
      (!segments_.empty() && segments_.back().partition > partition)) {
    throw Error(ErrorKind::kInternal, "Block of partition " + std::to_string(partition) +
                                          " is out of order or out of range.");
  }
  bytes_.PadTo(8);
  char* start = bytes_.data() + block_start_;
  ExchangeBlockHeader header{};
  header.partition = partition;
  header.rows = rows;
  header.payload_bytes = bytes_.size() - block_start_ - sizeof(header);
  header.checksum = BlockChecksum(header, start + sizeof(header), file_id_);
  std::memcpy(start, &header, sizeof(header));
  if (segments_.empty() || segments_.back().partition != partition) {
    segments_.push_back({partition, {block_start_, 0, 0}});
  }
  segments_.back().place.bytes += bytes_.size() - block_start_;
  segments_.back().place.rows += rows;
}

ExchangeWriter::ExchangeWriter(std::string path, uint32_t num_partitions, std::string description)
    : path_(std::move(path)),
      num_partitions_(num_partitions),
      description_(std::move(description)),
      file_id_(RandomId()) {
  summary_.partitions.resize(num_partitions);
  file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file_ < 0) Fail("created", errno);
}

ExchangeWriter::~ExchangeWriter() {
  if (file_ < 0) return;
  close(file_);
  unlink(path_.c_str());
}

void ExchangeWriter::Fail(const std::string& step, int code) const {
  throw Error(ErrorKind::kIo,
              "Exchange file " + path_ + " can't be " + step + ": " + std::strerror(code) + ".");
}

void ExchangeWriter::Write(const void* bytes, size_t size) {
  const char* next = static_cast<const char*>(bytes);
  offset_ += size;
  while (size > 0) {
    ssize_t written = write(file_, next, std::min(size, kWriteBytes));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) Fail("written", errno);
    next += written;
    size -= static_cast<size_t>(written);
  }
}

void ExchangeWriter::Append(ExchangeRun& run) {
  if (run.segments_.empty()) return;
  {
    std::lock_guard lock(mutex_);
    if (runs_.size() == std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorKind::kInternal, "Exchange file " + path_ + " has too many runs.");
    }
    for (auto& segment : run.segments_) {
      segment.place.offset += offset_;
      auto& partition = summary_.partitions[segment.partition];
      partition.rows += segment.place.rows;
      partition.bytes += segment.place.bytes;
      summary_.rows += segment.place.rows;
    }
    Write(run.bytes_.data(), run.bytes_.size());
    runs_.push_back(std::move(run.segments_));
  }
  run.segments_.clear();
  run.bytes_.Shrink(0);
}

uint64_t ExchangeWriter::WriteIndex() {
  uint64_t start = offset_;
  std::vector<size_t> next(runs_.size(), 0);  // Each run's first segment that is not written yet.
  std::vector<ExchangeSegment> segments;
  for (uint32_t group = 0; group < NumIndexGroups(num_partitions_); ++group) {
    uint32_t begin = group * kIndexGroupPartitions;
    uint32_t end = std::min(begin + kIndexGroupPartitions, num_partitions_);
    segments.assign(runs_.size() * (end - begin), ExchangeSegment{});
    for (size_t run = 0; run < runs_.size(); ++run) {
      for (auto& i = next[run]; i < runs_[run].size() && runs_[run][i].partition < end; ++i) {
        segments[run * (end - begin) + runs_[run][i].partition - begin] = runs_[run][i].place;
      }
    }
    size_t bytes = segments.size() * sizeof(ExchangeSegment);
    uint64_t checksum = IndexGroupChecksum(segments.data(), bytes, group, file_id_);
    Write(segments.data(), bytes);
    Write(&checksum, sizeof(checksum));
  }
  return start;
}

ExchangeFileSummary ExchangeWriter::Finish() {
  std::lock_guard lock(mutex_);
  ExchangeTrailer trailer{};
  trailer.file_id = file_id_;
  trailer.rows = summary_.rows;
  trailer.index_offset = WriteIndex();
  trailer.description_offset = offset_;
  trailer.description_bytes = description_.size();
  std::string padded = description_;
  padded.resize((padded.size() + 7) / 8 * 8);
  trailer.description_checksum = DescriptionChecksum(padded.data(), padded.size(), file_id_);
  Write(padded.data(), padded.size());
  trailer.num_runs = static_cast<uint32_t>(runs_.size());
  trailer.num_partitions = num_partitions_;
  trailer.version = kExchangeVersion;
  trailer.trailer_bytes = sizeof(trailer);
  trailer.magic = kExchangeMagic;
  trailer.file_bytes = offset_ + sizeof(trailer);
  trailer.checksum = TrailerChecksum(trailer);
  Write(&trailer, sizeof(trailer));
  // On a network file system the data leaves this machine here.
  int file = std::exchange(file_, -1);
  if (close(file) != 0) {
    int code = errno;
    unlink(path_.c_str());
    Fail("closed", code);
  }
  summary_.file_id = file_id_;
  summary_.bytes = offset_;
  return std::move(summary_);
}

}  // namespace smallpond
