#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "duckdb_adapter/arrow/arrow_source.h"
#include "smallpond/arrow.h"

namespace smallpond {

/// What a source has read. Never changes after that, but for `origin`.
struct ArrowSource::Batches {
  ArrowArrayStream origin{};  // Tells the schema to whoever asks; its rows are in `arrays`.
  std::mutex origin_mutex;    // One caller at a time may use a stream.
  ArrowSchema schema{};
  std::vector<ArrowArray> arrays;
  int64_t num_rows = 0;

  ~Batches() {
    for (auto& array : arrays) {
      if (array.release) array.release(&array);
    }
    if (schema.release) schema.release(&schema);
    if (origin.release) origin.release(&origin);
  }
};

}  // namespace smallpond
