#include "worker/worker_message.h"

#include <cstring>

#include "smallpond/error.h"

namespace smallpond {
namespace {

// Everything of a message that comes before its text. No padding: one byte is written by itself.
struct Ids {
  int32_t stage, task, attempt, job;
};
constexpr size_t kLengthBytes = sizeof(uint32_t);
constexpr size_t kFixedBytes = 1 + sizeof(Ids);

}  // namespace

void AppendMessage(const WorkerMessage& message, std::string& bytes) {
  if (message.text.size() > WorkerMessage::kMaxTextBytes) {
    throw Error(ErrorKind::kInvalidInput,
                "A message to a worker has " + std::to_string(message.text.size()) +
                    " bytes, more than " + std::to_string(WorkerMessage::kMaxTextBytes) + ".");
  }
  auto length = static_cast<uint32_t>(kFixedBytes + message.text.size());
  Ids ids{message.id.stage, message.id.task, message.id.attempt, message.id.job};
  bytes.reserve(bytes.size() + kLengthBytes + length);
  bytes.append(reinterpret_cast<const char*>(&length), kLengthBytes);
  bytes.push_back(static_cast<char>(message.kind));
  bytes.append(reinterpret_cast<const char*>(&ids), sizeof(ids));
  bytes.append(message.text);
}

std::optional<WorkerMessage> MessageReader::Next() {
  size_t available = bytes_.size() - begin_;
  if (available < kLengthBytes) return std::nullopt;
  uint32_t length = 0;
  std::memcpy(&length, bytes_.data() + begin_, kLengthBytes);
  if (length < kFixedBytes || length > kFixedBytes + WorkerMessage::kMaxTextBytes) {
    throw Error(ErrorKind::kInternal,
                "A message of " + std::to_string(length) + " bytes can't be one.");
  }
  if (available < kLengthBytes + length) return std::nullopt;

  const char* at = bytes_.data() + begin_ + kLengthBytes;
  auto kind = static_cast<uint8_t>(*at);
  if (kind < static_cast<uint8_t>(WorkerMessage::Kind::kHello) ||
      kind > static_cast<uint8_t>(WorkerMessage::Kind::kBye)) {
    throw Error(ErrorKind::kInternal, "A message of kind " + std::to_string(kind) + " came.");
  }
  Ids ids;
  std::memcpy(&ids, at + 1, sizeof(ids));
  WorkerMessage message{static_cast<WorkerMessage::Kind>(kind),
                        {ids.stage, ids.task, ids.attempt, ids.job},
                        std::string(at + kFixedBytes, length - kFixedBytes)};
  begin_ += kLengthBytes + length;
  // Moving the rest only now and then keeps many small messages from costing their square.
  if (begin_ == bytes_.size()) {
    bytes_.clear();
    begin_ = 0;
  } else if (begin_ > bytes_.size() / 2) {
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  return message;
}

}  // namespace smallpond
