#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/byte_buffer.h"

namespace smallpond {

/// How the bytes of an exchange file are compressed.
enum class ExchangeCodec : uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

/// Throws InvalidInput for any other name than none, lz4 and zstd.
ExchangeCodec ExchangeCodecByName(const std::string& name);

/// Compresses with what libduckdb brings along. Keeps its work space between calls; for one thread.
class ExchangeCompressor {
 public:
  explicit ExchangeCompressor(ExchangeCodec codec) : codec_(codec) {}
  ~ExchangeCompressor();
  ExchangeCompressor(const ExchangeCompressor&) = delete;
  ExchangeCompressor& operator=(const ExchangeCompressor&) = delete;

  ExchangeCodec codec() const { return codec_; }

  /// Appends the bytes to `out`, compressed where that saves an eighth. Returns the number of bytes
  /// appended: `size` says that they are as they were.
  size_t Append(const char* bytes, size_t size, ByteBuffer& out);

 private:
  size_t Compress(const char* bytes, size_t size, char* out, size_t capacity);

  const ExchangeCodec codec_;
  void* zstd_context_ = nullptr;
};

/// Undoes it. Keeps its work space between calls; for one thread.
class ExchangeDecompressor {
 public:
  ExchangeDecompressor() = default;
  ~ExchangeDecompressor();
  ExchangeDecompressor(const ExchangeDecompressor&) = delete;
  ExchangeDecompressor& operator=(const ExchangeDecompressor&) = delete;

  /// Writes the `size` bytes that there were before. Returns false where the data is damaged.
  bool Run(ExchangeCodec codec, const char* stored, size_t stored_size, char* out, size_t size);

 private:
  void* zstd_context_ = nullptr;
};

}  // namespace smallpond
