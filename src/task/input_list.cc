#include "task/input_list.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "smallpond/error.h"

namespace smallpond {

std::string FormatInputList(const InputList& list) {
  auto json = nlohmann::json::array();
  for (const auto& input : list.inputs) {
    json.push_back({input.id, input.stage, static_cast<int>(input.kind), input.version,
                    input.num_partitions, Base64Url(input.content)});
  }
  return json.dump();
}

InputList ParseInputList(const std::string& text, const std::string& name) {
  try {
    InputList list;
    for (const auto& input : nlohmann::json::parse(text)) {
      list.inputs.push_back({input.at(0).get<int>(), input.at(1).get<int>(),
                             static_cast<ExchangeKind>(input.at(2).get<int>()),
                             input.at(3).get<int>(), input.at(4).get<uint32_t>(),
                             FromBase64Url(input.at(5).get<std::string>()).value_or("")});
    }
    return list;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInternal, "'" + name + "' is not a list of inputs: " + error.what());
  }
}

}  // namespace smallpond
