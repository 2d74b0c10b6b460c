#include "scheduler/parse_report.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "smallpond/error.h"

namespace smallpond {
namespace {

using Json = nlohmann::json;

constexpr std::array kKinds = {ErrorKind::kInvalidInput, ErrorKind::kUnsupported,
                               ErrorKind::kUserCode,     ErrorKind::kOutOfMemory,
                               ErrorKind::kIo,           ErrorKind::kUnavailable,
                               ErrorKind::kCancelled,    ErrorKind::kInternal};

ErrorKind KindOfName(const std::string& name) {
  for (ErrorKind kind : kKinds) {
    if (ErrorKindName(kind) == name) return kind;
  }
  return ErrorKind::kInternal;
}

TaskFailure ReadFailure(const Json& json) {
  const Json& error = json.at("error");
  TaskFailure failure{KindOfName(error.at("kind").get<std::string>()),
                      error.at("message").get<std::string>(), std::nullopt};
  auto lost = json.find("lost_input");
  if (lost != json.end() && !lost->is_null()) {
    failure.lost_input = TaskId{lost->at("stage").get<int>(), lost->at("task").get<int>(),
                                lost->at("attempt").get<int>()};
  }
  return failure;
}

TaskResult ReadResult(const Json& json) {
  TaskResult result;
  result.rows = json.value("rows", uint64_t{0});
  result.bytes = json.value("bytes", uint64_t{0});
  result.wall_ms = json.value("wall_ms", int64_t{0});
  result.cpu_ms = json.value("cpu_ms", int64_t{0});
  result.peak_memory_bytes = json.value("peak_memory_bytes", uint64_t{0});
  result.spilled_bytes = json.value("spilled_bytes", uint64_t{0});
  auto partitions = json.find("partitions");
  if (partitions == json.end()) return result;
  result.partitions.reserve(partitions->size());
  for (const Json& pair : *partitions) {
    result.partitions.push_back({pair.at(0).get<uint64_t>(), pair.at(1).get<uint64_t>()});
  }
  return result;
}

}  // namespace

std::variant<TaskResult, TaskFailure> ParseReport(const std::string& report) {
  try {
    Json json = Json::parse(report);
    if (json.at("ok").get<bool>()) return ReadResult(json);
    return ReadFailure(json);
  } catch (const Json::exception& error) {
    constexpr size_t kQuoted = 200;
    return TaskFailure{ErrorKind::kInternal,
                       "The worker's report can't be read (" + std::string(error.what()) +
                           "): " + report.substr(0, kQuoted),
                       std::nullopt};
  }
}

}  // namespace smallpond
