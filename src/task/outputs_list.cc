#include "task/outputs_list.h"

#include <nlohmann/json.hpp>

#include "smallpond/error.h"

namespace smallpond {
namespace {

constexpr int kFormat = 2;

}  // namespace

// By hand: a stage may have 150,000 tasks.
std::string FormatOutputsList(const OutputsList& list) {
  std::string text = "{\"format\": " + std::to_string(kFormat) +
                     ", \"stage\": " + std::to_string(list.stage) +
                     ", \"version\": " + std::to_string(list.version) + ", \"files\": [";
  const char* separator = "\n";
  for (const OutputsList::File& file : list.files) {
    text += separator;
    text += "[" + std::to_string(file.attempt) + "," + std::to_string(file.rows) + "," +
            std::to_string(file.bytes) + "," + std::to_string(file.file_id) + "]";
    separator = ",\n";
  }
  return text + "\n]}\n";
}

OutputsList ParseOutputsList(const std::string& text, const std::string& name) {
  try {
    auto json = nlohmann::json::parse(text);
    if (json.at("format").get<int>() != kFormat) {
      throw Error(ErrorKind::kInternal, "'" + name + "' was written by another smallpond.");
    }
    OutputsList list{json.at("stage").get<int>(), json.at("version").get<int>(), {}};
    for (const auto& file : json.at("files")) {
      list.files.push_back({file.at(0).get<int>(), file.at(1).get<uint64_t>(),
                            file.at(2).get<uint64_t>(), file.at(3).get<uint64_t>()});
    }
    return list;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInternal, "'" + name + "' is not a list of outputs: " + error.what());
  }
}

}  // namespace smallpond
