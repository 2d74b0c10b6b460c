#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "smallpond/data_frame.h"
#include "smallpond/session.h"

namespace smallpond {

/// An Arrow stream of somebody else, released with this.
class HeldStream {
 public:
  HeldStream() { stream_.release = nullptr; }
  ~HeldStream() { Release(); }
  HeldStream(const HeldStream&) = delete;
  HeldStream& operator=(const HeldStream&) = delete;

  ArrowArrayStream* get() { return &stream_; }
  void Release() {
    if (stream_.release) stream_.release(&stream_);
  }

  /// The next batch; its `release` is null at the end. Throws the stream's error text.
  ArrowArray Next() {
    ArrowArray array{};
    if (stream_.get_next(&stream_, &array) != 0)
      throw std::runtime_error(stream_.get_last_error(&stream_));
    return array;
  }

 private:
  ArrowArrayStream stream_{};
};

/// The texts of the first column, which is a VARCHAR without NULLs, of all batches.
inline std::vector<std::string> TextsOf(HeldStream& stream) {
  std::vector<std::string> texts;
  for (ArrowArray batch = stream.Next(); batch.release; batch = stream.Next()) {
    const ArrowArray& column = *batch.children[0];
    const auto* offsets = static_cast<const int32_t*>(column.buffers[1]) + column.offset;
    const auto* bytes = static_cast<const char*>(column.buffers[2]);
    for (int64_t i = 0; i < batch.length; ++i)
      texts.emplace_back(bytes + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i]));
    batch.release(&batch);
  }
  return texts;
}

/// The rows of a frame as DuckDB prints them, in their order: "(1, NULL, [a, b])".
inline std::vector<std::string> RowsOf(Session& session, const DataFrame& frame) {
  HeldStream stream;
  session
      .Sql("SELECT replace(row(*COLUMNS(*))::VARCHAR, '''', '') FROM {0}", {.positional = {frame}})
      .Collect(stream.get());
  return TextsOf(stream);
}

/// The rows of a query over `frame`, which it calls {0}.
inline std::vector<std::string> RowsOf(Session& session, const DataFrame& frame,
                                       const std::string& query) {
  return RowsOf(session, session.Sql(query, {.positional = {frame}}));
}

using Rows = std::vector<std::string>;

}  // namespace smallpond
