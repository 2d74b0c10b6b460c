#include "worker/worker_message.h"

#include <cstring>

#include "error_of.h"

namespace smallpond {
namespace {

using Kind = WorkerMessage::Kind;

TEST(WorkerMessage, ComesTogetherFromSingleBytes) {
  std::string bytes;
  AppendMessage({Kind::kRun, {1, -2, 3}, std::string("spec\0with a zero", 16)}, bytes);
  AppendMessage({Kind::kBye, {}, ""}, bytes);
  MessageReader reader;
  std::vector<WorkerMessage> messages;
  for (char byte : bytes) {
    reader.Add(&byte, 1);
    while (auto message = reader.Next()) messages.push_back(*message);
  }
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].kind, Kind::kRun);
  EXPECT_EQ(messages[0].id, (TaskId{1, -2, 3}));
  EXPECT_EQ(messages[0].text, std::string("spec\0with a zero", 16));
  EXPECT_EQ(messages[1].kind, Kind::kBye);
}

TEST(WorkerMessage, ManyComeAtOnce) {
  std::string bytes;
  for (int i = 0; i < 10000; ++i)
    AppendMessage({Kind::kReport, {0, i, 0}, std::to_string(i)}, bytes);
  MessageReader reader;
  reader.Add(bytes.data(), bytes.size());
  for (int i = 0; i < 10000; ++i) EXPECT_EQ(reader.Next().value().text, std::to_string(i));
  EXPECT_FALSE(reader.Next());
}

TEST(WorkerMessage, HasALimit) {
  std::string bytes;
  EXPECT_CONTAINS(
      InvalidInputOf([&] { AppendMessage({Kind::kRun, {}, std::string(16'000'001, 'x')}, bytes); }),
      "16000001 bytes");
  EXPECT_EQ(bytes, "");
  AppendMessage({Kind::kRun, {}, std::string(16'000'000, 'x')}, bytes);
}

TEST(WorkerMessage, RefusesWhatCannotBeOne) {
  std::string whole;
  AppendMessage({Kind::kRun, {}, "spec"}, whole);
  for (uint32_t length : {0u, 16u, 16'000'018u, 0xffffffffu}) {
    std::string bytes = whole;
    std::memcpy(bytes.data(), &length, sizeof(length));
    MessageReader reader;
    reader.Add(bytes.data(), bytes.size());
    ErrorOf(ErrorKind::kInternal, [&] { reader.Next(); });
  }
  for (char kind : {'\0', '\n', '\xff'}) {
    std::string bytes = whole;
    bytes[4] = kind;
    MessageReader reader;
    reader.Add(bytes.data(), bytes.size());
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kInternal, [&] { reader.Next(); }), "A message of kind");
  }
}

}  // namespace
}  // namespace smallpond
