#include "duckdb_adapter/exchange/exchange_codec.h"

#include "duckdb_adapter/duckdb_internal.h"
#include "lz4.hpp"
#include "smallpond/error.h"
#include "zstd.h"

namespace smallpond {
namespace {

// Below this nothing is worth compressing; above it LZ4 can't.
constexpr size_t kMinBytes = 64;
constexpr size_t kMaxBytes = size_t{1} << 30;
constexpr int kZstdLevel = 1;

}  // namespace

ExchangeCodec ExchangeCodecByName(const std::string& name) {
  if (name == "none") return ExchangeCodec::kNone;
  if (name == "lz4") return ExchangeCodec::kLz4;
  if (name == "zstd") return ExchangeCodec::kZstd;
  throw Error(ErrorKind::kInvalidInput,
              "Unknown codec '" + name + "' of exchange files. Give 'none', 'lz4' or 'zstd'.");
}

ExchangeCompressor::~ExchangeCompressor() {
  if (zstd_context_) {
    duckdb_zstd::ZSTD_freeCCtx(static_cast<duckdb_zstd::ZSTD_CCtx*>(zstd_context_));
  }
}

size_t ExchangeCompressor::Compress(const char* bytes, size_t size, char* out, size_t capacity) {
  if (codec_ == ExchangeCodec::kLz4) {
    int written = duckdb_lz4::LZ4_compress_default(bytes, out, static_cast<int>(size),
                                                   static_cast<int>(capacity));
    return written > 0 ? static_cast<size_t>(written) : size;
  }
  if (!zstd_context_) zstd_context_ = duckdb_zstd::ZSTD_createCCtx();
  if (!zstd_context_) throw std::bad_alloc();
  size_t written = duckdb_zstd::ZSTD_compressCCtx(
      static_cast<duckdb_zstd::ZSTD_CCtx*>(zstd_context_), out, capacity, bytes, size, kZstdLevel);
  return duckdb_zstd::ZSTD_isError(written) ? size : written;  // It did not fit.
}

size_t ExchangeCompressor::Append(const char* bytes, size_t size, ByteBuffer& out) {
  if (codec_ != ExchangeCodec::kNone && size >= kMinBytes && size <= kMaxBytes) {
    size_t worth = size - size / 8;
    size_t start = out.size();
    size_t written = Compress(bytes, size, out.Grow(worth), worth);
    if (written < size) {
      out.Shrink(start + written);
      return written;
    }
    out.Shrink(start);
  }
  out.Append(bytes, size);
  return size;
}

ExchangeDecompressor::~ExchangeDecompressor() {
  if (zstd_context_) {
    duckdb_zstd::ZSTD_freeDCtx(static_cast<duckdb_zstd::ZSTD_DCtx*>(zstd_context_));
  }
}

bool ExchangeDecompressor::Run(ExchangeCodec codec, const char* stored, size_t stored_size,
                               char* out, size_t size) {
  if (codec == ExchangeCodec::kLz4 && size <= kMaxBytes && stored_size <= size) {
    int read = duckdb_lz4::LZ4_decompress_safe(stored, out, static_cast<int>(stored_size),
                                               static_cast<int>(size));
    return read >= 0 && static_cast<size_t>(read) == size;
  }
  if (codec != ExchangeCodec::kZstd) return false;
  if (!zstd_context_) zstd_context_ = duckdb_zstd::ZSTD_createDCtx();
  if (!zstd_context_) throw std::bad_alloc();
  return duckdb_zstd::ZSTD_decompressDCtx(static_cast<duckdb_zstd::ZSTD_DCtx*>(zstd_context_), out,
                                          size, stored, stored_size) == size;
}

}  // namespace smallpond
