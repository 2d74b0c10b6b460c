#include "task/task_report.h"

#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "smallpond/error.h"

namespace smallpond {
namespace {

using Json = nlohmann::json;

Json ToJson(const TaskResult& result) {
  Json partitions = Json::array();
  for (const auto& partition : result.partitions) {
    partitions.push_back({partition.rows, partition.bytes});
  }
  Json files = Json::array();
  for (const auto& file : result.files) {
    files.push_back({file.name, file.rows ? Json(*file.rows) : Json(), file.bytes, file.hash});
  }
  return {{"ok", true},
          {"rows", result.rows},
          {"bytes", result.bytes},
          {"partitions", std::move(partitions)},
          {"files", std::move(files)},
          {"wall_ms", result.wall_ms},
          {"cpu_ms", result.cpu_ms},
          {"peak_memory_bytes", result.peak_memory_bytes},
          {"spilled_bytes", result.spilled_bytes},
          {"file_id", result.file_id}};
}

Json ToJson(const TaskFailure& failure) {
  Json json = {
      {"ok", false},
      {"error", {{"kind", ErrorKindName(failure.kind)}, {"message", failure.message}}},
      {"lost_input", nullptr},
  };
  if (failure.lost_input) {
    const TaskId& lost = *failure.lost_input;
    json["lost_input"] = {{"stage", lost.stage}, {"task", lost.task}, {"attempt", lost.attempt}};
  }
  return json;
}

TaskFailure ReadFailure(const Json& json) {
  const Json& error = json.at("error");
  TaskFailure failure{ErrorKindOfName(error.at("kind").get<std::string>()),
                      error.at("message").get<std::string>(), std::nullopt};
  auto lost = json.find("lost_input");
  if (lost != json.end() && !lost->is_null()) {
    failure.lost_input = TaskId{lost->at("stage").get<int>(), lost->at("task").get<int>(),
                                lost->at("attempt").get<int>()};
  }
  return failure;
}

/// Reads a list of pairs of whole numbers.
class PairReader {
 public:
  explicit PairReader(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  /// Returns how long the list is in the text, or 0 where it is anything else.
  size_t Read(std::vector<PartitionSize>& pairs) {
    const char* begin = at_;
    if (!Take('[')) return 0;
    if (Take(']')) return static_cast<size_t>(at_ - begin);
    do {
      PartitionSize pair;
      if (!Take('[') || !Number(pair.rows) || !Take(',') || !Number(pair.bytes) || !Take(']'))
        return 0;
      pairs.push_back(pair);
    } while (Take(','));
    return Take(']') ? static_cast<size_t>(at_ - begin) : 0;
  }

 private:
  bool Take(char wanted) {
    while (at_ != end_ && std::isspace(static_cast<unsigned char>(*at_))) ++at_;
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  bool Number(uint64_t& number) {
    while (at_ != end_ && std::isspace(static_cast<unsigned char>(*at_))) ++at_;
    auto [after, error] = std::from_chars(at_, end_, number);
    at_ = after;
    return error == std::errc();
  }

  const char* at_;
  const char* end_;
};

// Takes the partitions out of a report's text, leaving an empty list. They are nearly all of it:
// for 450,000 tasks of 1,000 partitions, the JSON library needs 60 s for them and this 5 s.
// Whatever is not as we write it stays for the library.
std::vector<PartitionSize> TakePartitions(std::string& report) {
  constexpr std::string_view kKey = "\"partitions\":";
  std::vector<PartitionSize> partitions;
  size_t key = report.find(kKey);
  if (key == std::string::npos) return {};
  size_t begin = key + kKey.size();
  size_t length = PairReader(std::string_view(report).substr(begin)).Read(partitions);
  if (length == 0) return {};
  report.replace(begin, length, "[]");
  return partitions;
}

TaskResult ReadResult(const Json& json) {
  TaskResult result;
  result.rows = json.value("rows", uint64_t{0});
  result.bytes = json.value("bytes", uint64_t{0});
  result.wall_ms = json.value("wall_ms", int64_t{0});
  result.cpu_ms = json.value("cpu_ms", int64_t{0});
  result.peak_memory_bytes = json.value("peak_memory_bytes", uint64_t{0});
  result.spilled_bytes = json.value("spilled_bytes", uint64_t{0});
  result.file_id = json.value("file_id", uint64_t{0});
  for (const Json& file : json.value("files", Json::array())) {
    WrittenFile& written = result.files.emplace_back();
    written.name = file.at(0).get<std::string>();
    if (!file.at(1).is_null()) written.rows = file.at(1).get<int64_t>();
    written.bytes = file.at(2).get<uint64_t>();
    written.hash = file.at(3).get<std::string>();
  }
  auto partitions = json.find("partitions");
  if (partitions == json.end()) return result;
  result.partitions.reserve(partitions->size());
  for (const Json& pair : *partitions) {
    result.partitions.push_back({pair.at(0).get<uint64_t>(), pair.at(1).get<uint64_t>()});
  }
  return result;
}

}  // namespace

std::string FormatTaskReport(const TaskReport& report) {
  Json json = std::visit([](const auto& end) { return ToJson(end); }, report);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

TaskReport ParseTaskReport(const std::string& report) {
  try {
    std::string text = report;
    std::vector<PartitionSize> partitions = TakePartitions(text);
    Json json = Json::parse(text);
    if (!json.at("ok").get<bool>()) return ReadFailure(json);
    TaskResult result = ReadResult(json);
    if (!partitions.empty()) result.partitions = std::move(partitions);
    return result;
  } catch (const Json::exception& error) {
    constexpr size_t kQuoted = 200;
    return TaskFailure{ErrorKind::kInternal,
                       "The worker's report can't be read (" + std::string(error.what()) +
                           "): " + report.substr(0, kQuoted),
                       std::nullopt};
  }
}

}  // namespace smallpond
