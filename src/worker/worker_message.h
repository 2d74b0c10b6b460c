#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "task/task_id.h"

namespace smallpond {

/// What the driver and a worker process say to each other over a socket.
///
///   driver → worker   setup{text}, then run{id, spec}, cancel{id} …, bye
///   worker → driver   hello{versions and pid}, ready or failed{error}, then report{id, text},
///                     heartbeat{id} …
///
/// On the wire: 4 bytes length of the rest, 1 byte kind, 4 × 4 bytes id, the text; numbers as this
/// machine has them, for a socket pair never leaves it.
struct WorkerMessage {
  enum class Kind : uint8_t {
    kHello = 1,      ///< The first of a worker: "PROTOCOL VERSION PID".
    kSetup = 2,      ///< The first of the driver, opaque here.
    kReady = 3,      ///< The setup is carried out.
    kFailed = 4,     ///< It can't be: "KIND MESSAGE". The worker exits.
    kRun = 5,        ///< Run this attempt; the text is its spec.
    kCancel = 6,     ///< Stop it. Its report still comes.
    kReport = 7,     ///< The attempt ended.
    kHeartbeat = 8,  ///< The attempt runs.
    kBye = 9,        ///< Cancel what runs, and exit.
  };

  /// Specs have 4 KB and reports a few numbers a partition, so this is for what nobody foresaw.
  static constexpr uint32_t kMaxTextBytes = 16'000'000;

  Kind kind = Kind::kHello;
  TaskId id = {};
  std::string text = {};
};

/// Appends the message's bytes to `bytes`. Throws InvalidInput where its text is over the limit.
void AppendMessage(const WorkerMessage& message, std::string& bytes);

/// Puts messages together from bytes as they come. Not for several threads.
class MessageReader {
 public:
  void Add(const char* bytes, size_t count) { bytes_.append(bytes, count); }

  /// Takes the next message, or nothing where it isn't whole yet. Throws Internal on what can't be
  /// a message: an unknown kind, a length out of bounds. The stream is of no use after that.
  std::optional<WorkerMessage> Next();

 private:
  std::string bytes_;
  size_t begin_ = 0;  // What lies before it was taken.
};

}  // namespace smallpond
