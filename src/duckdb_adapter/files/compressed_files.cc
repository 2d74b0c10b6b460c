#include "duckdb_adapter/files/compressed_files.h"

#include <cstddef>

#include "duckdb/common/compressed_file_system.hpp"
#include "duckdb/common/gzip_file_system.hpp"
#include "duckdb_adapter/duckdb_internal.h"

// What DuckDB's library exports of its zstd, without a header beside it.
namespace duckdb_zstd {

struct ZSTD_DCtx_s;
struct ZSTD_inBuffer_s {
  const void* src;
  size_t size;
  size_t pos;
};
struct ZSTD_outBuffer_s {
  void* dst;
  size_t size;
  size_t pos;
};

ZSTD_DCtx_s* ZSTD_createDStream();
size_t ZSTD_freeDStream(ZSTD_DCtx_s*);
size_t ZSTD_decompressStream(ZSTD_DCtx_s*, ZSTD_outBuffer_s*, ZSTD_inBuffer_s*);
unsigned ZSTD_isError(size_t);
const char* ZSTD_getErrorName(size_t);

}  // namespace duckdb_zstd

namespace duckdb {

// As in the Parquet extension, which holds it.
class ZStdFileSystem : public CompressedFileSystem {
 public:
  unique_ptr<FileHandle> OpenCompressedFile(QueryContext context, unique_ptr<FileHandle> handle,
                                            bool write) override;
  std::string GetName() const override { return "ZStdFileSystem"; }
  unique_ptr<StreamWrapper> CreateStream() override;
  idx_t InBufferSize() override;
  idx_t OutBufferSize() override;
};

}  // namespace duckdb

namespace smallpond {
namespace {

// A compressed file whose reads end with an error where its data is cut off. Each has a file system
// of its own, as DuckDB's own have, which may outlive the database's.
template <class Files>
class WholeFile : public duckdb::CompressedFile {
 public:
  WholeFile(duckdb::QueryContext context, duckdb::unique_ptr<duckdb::FileHandle> handle,
            const std::string& path, bool write)
      : CompressedFile(files_, std::move(handle), path) {
    Initialize(context, write);
  }
  ~WholeFile() override { Close(); }

 private:
  Files files_;
};

// Throws where a read met the end of a file that is not whole.
int64_t CheckEnd(int64_t count, int64_t wanted, const duckdb::CompressedFile& file, bool is_whole) {
  if (count < wanted && !file.write && !is_whole) {
    throw duckdb::IOException("The compressed file '" + file.path +
                              "' is cut off: it ends in the middle of its data. Replace it by a "
                              "whole copy.");
  }
  return count;
}

class WholeGzipFiles : public duckdb::GZipFileSystem {
 public:
  duckdb::unique_ptr<duckdb::FileHandle> OpenCompressedFile(
      duckdb::QueryContext context, duckdb::unique_ptr<duckdb::FileHandle> handle,
      bool write) override {
    std::string path = handle->path;
    return duckdb::make_uniq<WholeFile<WholeGzipFiles>>(context, std::move(handle), path, write);
  }

  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes) override {
    int64_t count = GZipFileSystem::Read(handle, buffer, bytes);
    const auto& file = handle.Cast<duckdb::CompressedFile>();
    // DuckDB asks for a refresh where one stream has ended and another may follow.
    return CheckEnd(count, bytes, file, file.stream_data.refresh);
  }
};

// Reads as DuckDB's own stream does, and tells in addition whether a frame has ended.
class ZstdReader : public duckdb::StreamWrapper {
 public:
  explicit ZstdReader(bool& is_between_frames)
      : context_(duckdb_zstd::ZSTD_createDStream()), is_between_frames_(is_between_frames) {}
  ~ZstdReader() override { ZstdReader::Close(); }

  void Initialize(duckdb::QueryContext, duckdb::CompressedFile&, bool) override {}

  bool Read(duckdb::StreamData& data) override {
    duckdb_zstd::ZSTD_inBuffer_s in{data.in_buff_start,
                                    static_cast<size_t>(data.in_buff_end - data.in_buff_start), 0};
    auto room = data.out_buff.get() + data.out_buf_size - data.out_buff_end;
    duckdb_zstd::ZSTD_outBuffer_s out{data.out_buff_end, static_cast<size_t>(room), 0};
    size_t missing = duckdb_zstd::ZSTD_decompressStream(context_, &out, &in);
    if (duckdb_zstd::ZSTD_isError(missing)) {
      throw duckdb::IOException(duckdb_zstd::ZSTD_getErrorName(missing));
    }
    data.in_buff_start += in.pos;
    data.out_buff_end += out.pos;
    is_between_frames_ = missing == 0;
    return false;
  }

  void Write(duckdb::CompressedFile&, duckdb::StreamData&, duckdb::data_ptr_t, int64_t) override {
    throw duckdb::IOException("A stream for reading was written.");
  }

  void Close() override {
    duckdb_zstd::ZSTD_freeDStream(context_);  // Takes a null pointer, too.
    context_ = nullptr;
  }

 private:
  duckdb_zstd::ZSTD_DCtx_s* context_;
  bool& is_between_frames_;  // Outlives the stream, which is gone at the end of the file.
};

// Writing is left to DuckDB's own.
class WholeZstdFiles : public duckdb::ZStdFileSystem {
 public:
  duckdb::unique_ptr<duckdb::FileHandle> OpenCompressedFile(
      duckdb::QueryContext context, duckdb::unique_ptr<duckdb::FileHandle> handle,
      bool write) override {
    if (write) return ZStdFileSystem::OpenCompressedFile(context, std::move(handle), write);
    std::string path = handle->path;
    return duckdb::make_uniq<WholeFile<WholeZstdFiles>>(context, std::move(handle), path, write);
  }

  duckdb::unique_ptr<duckdb::StreamWrapper> CreateStream() override {
    is_between_frames_ = true;
    return duckdb::make_uniq<ZstdReader>(is_between_frames_);
  }

  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t bytes) override {
    int64_t count = ZStdFileSystem::Read(handle, buffer, bytes);
    return CheckEnd(count, bytes, handle.Cast<duckdb::CompressedFile>(), is_between_frames_);
  }

 private:
  bool is_between_frames_ = true;  // Of the one file that this object reads.
};

}  // namespace

void RefuseTruncatedFiles(duckdb::DatabaseInstance& database) {
  auto& files = duckdb::FileSystem::GetFileSystem(database);
  files.RegisterSubSystem(duckdb::FileCompressionType::GZIP, duckdb::make_uniq<WholeGzipFiles>());
  files.RegisterSubSystem(duckdb::FileCompressionType::ZSTD, duckdb::make_uniq<WholeZstdFiles>());
}

}  // namespace smallpond
