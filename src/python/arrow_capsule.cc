#include "python/arrow_capsule.h"

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "python/core_call.h"
namespace nb = nanobind;

namespace smallpond {
namespace {

constexpr const char* kCapsuleName = "arrow_array_stream";  // The interface's name for a stream.
constexpr auto kGrace = std::chrono::seconds(1);  // Within which a program has ended, mostly.

void ReleaseCapsule(PyObject* capsule) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule, kCapsuleName));
  if (ProgramEnds()) return;  // Its memory goes with the process.
  if (stream->release) {
    Unlocked unlocked;  // Ends a running query, which may take a moment.
    stream->release(stream);
  }
  delete stream;
}

// A stream whose reader may be a thread of another library, without the interpreter's lock.
struct CountedStream {
  ArrowArrayStream inner;
  bool is_refused = false;  // Whether the program ends.

  static CountedStream& Of(ArrowArrayStream* stream) {
    return *static_cast<CountedStream*>(stream->private_data);
  }

  static int GetNext(ArrowArrayStream* stream, ArrowArray* out) {
    auto& self = Of(stream);
    bool is_of_python = PyGILState_GetThisThreadState() != nullptr;
    if (is_of_python && ProgramEnds()) {
      // Most readers have released the interpreter's lock: they hear nothing more. To one that
      // has it the program's end must not wait for ever.
      std::this_thread::sleep_for(kGrace);
      self.is_refused = true;
      return ECANCELED;
    }
    CoreCall call(is_of_python);
    self.is_refused = call.is_refused();
    return self.is_refused ? ECANCELED : self.inner.get_next(&self.inner, out);
  }
  static int GetSchema(ArrowArrayStream* stream, ArrowSchema* out) {
    auto& self = Of(stream);
    return self.inner.get_schema(&self.inner, out);
  }
  static const char* GetLastError(ArrowArrayStream* stream) {
    auto& self = Of(stream);
    return self.is_refused ? "The program ends." : self.inner.get_last_error(&self.inner);
  }
  static void Release(ArrowArrayStream* stream) {
    auto* self = &Of(stream);
    self->inner.release(&self->inner);
    delete self;
    stream->release = nullptr;
  }
};

// Makes reading a stream a call of the core.
std::unique_ptr<ArrowArrayStream> CountReads(const ArrowArrayStream& stream) {
  auto counted = std::make_unique<ArrowArrayStream>();
  counted->get_schema = CountedStream::GetSchema;
  counted->get_next = CountedStream::GetNext;
  counted->get_last_error = CountedStream::GetLastError;
  counted->release = CountedStream::Release;
  counted->private_data = new CountedStream{stream};
  return counted;
}

}  // namespace

ArrowStreamHolder::~ArrowStreamHolder() {
  if (stream_ && stream_->release) stream_->release(stream_.get());
}

nb::object ArrowStreamHolder::TakeCapsule() {
  if (!stream_->release)
    throw std::runtime_error(
        "The rows of this stream were handed out before. Ask the frame for another.");
  auto moved = CountReads(*stream_);
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
