#include "python/arrow_capsule.h"

#include <stdexcept>

namespace nb = nanobind;

namespace smallpond {
namespace {

constexpr const char* kCapsuleName = "arrow_array_stream";  // The interface's name for a stream.

void ReleaseCapsule(PyObject* capsule) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule, kCapsuleName));
  if (stream->release) {
    nb::gil_scoped_release unlocked;  // Ends a running query, which may take a moment.
    stream->release(stream);
  }
  delete stream;
}

}  // namespace

ArrowStreamHolder::~ArrowStreamHolder() {
  if (stream_ && stream_->release) stream_->release(stream_.get());
}

nb::object ArrowStreamHolder::TakeCapsule() {
  if (!stream_->release)
    throw std::runtime_error(
        "The rows of this stream were handed out before. Ask the frame for another.");
  auto moved = std::make_unique<ArrowArrayStream>(*stream_);
  stream_->release = nullptr;
  PyObject* capsule = PyCapsule_New(moved.get(), kCapsuleName, ReleaseCapsule);
  if (!capsule) {
    moved->release(moved.get());
    throw nb::python_error();
  }
  moved.release();
  return nb::steal(capsule);
}

ArrowArrayStream TakeStream(nb::handle object) {
  nb::object capsule = object.attr("__arrow_c_stream__")();
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), kCapsuleName));
  if (!stream) throw nb::python_error();
  ArrowArrayStream taken = *stream;
  stream->release = nullptr;  // Tells the capsule that it was taken.
  return taken;
}

}  // namespace smallpond
