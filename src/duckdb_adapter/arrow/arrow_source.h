#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct ArrowArrayStream;

namespace smallpond {

/// An Arrow stream that was read whole and can be scanned any number of times, by many threads.
/// Holds the producer's buffers without copying them. Never changes after construction; any thread
/// may scan and release it.
class ArrowSource {
 public:
  /// Takes over `stream` and drains it; releases it with the source, or where it throws. Throws
  /// InvalidInput with the producer's error text.
  explicit ArrowSource(ArrowArrayStream* stream);
  ~ArrowSource();
  ArrowSource(const ArrowSource&) = delete;
  ArrowSource& operator=(const ArrowSource&) = delete;

  /// Throws Unsupported, with the column, where DuckDB reads a type wrongly or not at all:
  /// dictionaries inside of lists, decimals of 256 bits, types of Polars' own.
  void CheckReadable() const;

  int64_t num_rows() const { return num_rows_; }
  /// About how many bytes the buffers hold, or nothing where a type is not known.
  std::optional<uint64_t> Bytes() const;

  /// Hands out all rows once more. The stream shares the buffers and may outlive the source.
  void Stream(ArrowArrayStream* out) const;

  struct Batches;  // arrow_source_batches.h
  /// What scans read.
  const std::shared_ptr<Batches>& batches() const { return batches_; }

 private:
  std::shared_ptr<Batches> batches_;  // Shared with the streams that scans have open.
  int64_t num_rows_ = 0;
};

}  // namespace smallpond
