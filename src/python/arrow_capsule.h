#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "smallpond/arrow.h"

namespace smallpond {

/// An Arrow stream that Python may take once, through the PyCapsule interface (arrow.apache.org,
/// "The Arrow PyCapsule Interface").
class ArrowStreamHolder {
 public:
  ArrowStreamHolder() : stream_(std::make_unique<ArrowArrayStream>()) {
    stream_->release = nullptr;
  }
  ~ArrowStreamHolder();
  ArrowStreamHolder(ArrowStreamHolder&&) noexcept = default;
  ArrowStreamHolder& operator=(ArrowStreamHolder&&) = delete;

  ArrowArrayStream* get() { return stream_.get(); }
  /// Returns the capsule. Raises RuntimeError the second time.
  nanobind::object TakeCapsule();

 private:
  std::unique_ptr<ArrowArrayStream> stream_;
};

/// Returns the stream of an object that offers `__arrow_c_stream__`. The caller releases it.
ArrowArrayStream TakeStream(nanobind::handle object);

}  // namespace smallpond
