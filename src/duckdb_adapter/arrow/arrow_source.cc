#include "duckdb_adapter/arrow/arrow_source.h"

#include <cstring>
#include <mutex>

#include "duckdb_adapter/arrow/arrow_size.h"
#include "duckdb_adapter/arrow/arrow_source_batches.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

using Batches = ArrowSource::Batches;

// A producer may leave the number of NULLs open (-1), which DuckDB takes for none in a dictionary.
// Only whether there may be NULLs matters to it.
void SettleNullCounts(ArrowArray& array) {
  bool has_validity = array.n_buffers > 0 && array.buffers[0];
  if (array.null_count < 0) array.null_count = has_validity ? 1 : 0;
  for (int64_t i = 0; i < array.n_children; ++i) SettleNullCounts(*array.children[i]);
  if (array.dictionary) SettleNullCounts(*array.dictionary);
}

void Drain(ArrowArrayStream& stream, Batches& batches) {
  auto check = [&](int code, const char* step) {
    if (code == 0) return;
    const char* text = stream.get_last_error ? stream.get_last_error(&stream) : nullptr;
    throw Error(ErrorKind::kInvalidInput, std::string("The Arrow stream failed in ") + step + ": " +
                                              (text ? text : std::strerror(code)));
  };
  check(stream.get_schema(&stream, &batches.schema), "get_schema");
  if (std::strcmp(batches.schema.format, "+s") != 0) {
    throw Error(ErrorKind::kInvalidInput, std::string("The Arrow stream holds type '") +
                                              batches.schema.format +
                                              "', not record batches. Give a table.");
  }
  if (batches.schema.n_children == 0) {
    throw Error(ErrorKind::kInvalidInput, "The table has no columns. Give at least one.");
  }
  for (;;) {
    ArrowArray array{};
    check(stream.get_next(&stream, &array), "get_next");
    if (!array.release) return;
    SettleNullCounts(array);
    batches.num_rows += array.length;
    batches.arrays.push_back(array);
  }
}

bool IsList(const ArrowSchema& schema) {
  return schema.format[0] == '+' && std::strchr("lLwmv", schema.format[1]) != nullptr;
}

// What DuckDB can't read of a column, with what to do. Empty where it reads all of it. In lists
// with dictionaries it takes the indices for the values where they are of fixed size, and
// dereferences a null pointer where a batch begins with an empty list, after which the database is
// unusable.
std::string WhyUnreadable(const ArrowSchema& schema, bool in_list) {
  std::string format = schema.format;
  if (schema.dictionary) {
    if (!in_list) return WhyUnreadable(*schema.dictionary, false);
    return "has dictionaries (categories) inside of lists, which can't be read. Cast them to text.";
  }
  if (format.starts_with("d:") && format.ends_with(",256")) {
    return "has decimals of 256 bits, which can't be read: a DECIMAL has at most 38 digits. Cast "
           "them to decimal128, to float64 or to text.";
  }
  if (format.starts_with("_pl")) {
    return "has a type that only Polars knows (" + format.substr(1) +
           "), which can't be read. Cast it to Int64, to Decimal or to String.";
  }
  in_list = in_list || IsList(schema);
  for (int64_t i = 0; i < schema.n_children; ++i) {
    std::string why = WhyUnreadable(*schema.children[i], in_list);
    if (!why.empty()) return why;
  }
  return "";
}

// One consumer's way through all batches.
struct Replay {
  std::shared_ptr<Batches> batches;
  size_t next = 0;
};

// A copy of an array's structs over the same buffers. Each keeps the batches alive by itself, since
// a consumer may take a child out of its parent.
struct SharedNode {
  std::shared_ptr<Batches> batches;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> child_pointers;
  ArrowArray dictionary{};
};

void ReleaseShared(ArrowArray* array) {
  auto* node = static_cast<SharedNode*>(array->private_data);
  for (auto& child : node->children) {
    if (child.release) child.release(&child);
  }
  if (node->dictionary.release) node->dictionary.release(&node->dictionary);
  delete node;
  array->release = nullptr;
}

ArrowArray Share(const ArrowArray& array, const std::shared_ptr<Batches>& batches) {
  auto node = std::make_unique<SharedNode>();
  node->batches = batches;
  for (int64_t i = 0; i < array.n_children; ++i) {
    node->children.push_back(Share(*array.children[i], batches));
  }
  for (auto& child : node->children) node->child_pointers.push_back(&child);
  ArrowArray copy = array;
  copy.children = node->child_pointers.data();
  if (array.dictionary) {
    node->dictionary = Share(*array.dictionary, batches);
    copy.dictionary = &node->dictionary;
  }
  copy.release = ReleaseShared;
  copy.private_data = node.release();
  return copy;
}

}  // namespace

ArrowSource::ArrowSource(ArrowArrayStream* stream) : batches_(std::make_shared<Batches>()) {
  batches_->origin = *stream;
  stream->release = nullptr;
  Drain(batches_->origin, *batches_);
  num_rows_ = batches_->num_rows;
}

void ArrowSource::CheckReadable() const {
  for (int64_t i = 0; i < batches_->schema.n_children; ++i) {
    const ArrowSchema& column = *batches_->schema.children[i];
    std::string why = WhyUnreadable(column, false);
    if (why.empty()) continue;
    throw Error(ErrorKind::kUnsupported,
                "Column '" + std::string(column.name ? column.name : "") + "' " + why);
  }
}

std::optional<uint64_t> ArrowSource::Bytes() const {
  uint64_t bytes = 0;
  for (const auto& array : batches_->arrays) {
    auto size = ArrowBytes(batches_->schema, array);
    if (!size) return std::nullopt;
    bytes += *size;
  }
  return bytes;
}

void ArrowSource::Stream(ArrowArrayStream* out) const {
  out->get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
    auto& batches = *static_cast<Replay*>(self->private_data)->batches;
    std::lock_guard lock(batches.origin_mutex);
    return batches.origin.get_schema(&batches.origin, schema);
  };
  out->get_next = [](ArrowArrayStream* self, ArrowArray* array) {
    auto& replay = *static_cast<Replay*>(self->private_data);
    *array = ArrowArray{};
    if (replay.next < replay.batches->arrays.size()) {
      *array = Share(replay.batches->arrays[replay.next++], replay.batches);
    }
    return 0;
  };
  out->get_last_error = [](ArrowArrayStream*) { return ""; };
  out->release = [](ArrowArrayStream* self) {
    delete static_cast<Replay*>(self->private_data);
    self->release = nullptr;
  };
  out->private_data = new Replay{batches_};
}

ArrowSource::~ArrowSource() = default;

}  // namespace smallpond
