#include "task/task_spec.h"

#include <nlohmann/json.hpp>

#include "smallpond/error.h"

namespace smallpond {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

}  // namespace

std::string FormatTaskSpec(const TaskSpec& spec) {
  json inputs = json::array();
  for (const auto& input : spec.inputs) {
    inputs.push_back({{"id", input.id},
                      {"stage", input.stage},
                      {"kind", static_cast<int>(input.kind)},
                      {"version", input.version},
                      {"partitions", {input.partition_begin, input.partition_end}}});
  }
  std::string text = json{
      {"version", kVersion},
      {"stage", spec.id.stage},
      {"task", spec.id.task},
      {"attempt", spec.id.attempt},
      {"job_folder", spec.job_folder},
      {"fragment", spec.fragment},
      {"inputs", std::move(inputs)},
      {"has_scans", spec.has_scans},
      {"num_columns", spec.num_columns},
      {"num_keys", spec.num_keys},
      {"num_partitions", spec.num_partitions},
      {"ordered",
       spec.ordered}}.dump();
  if (text.size() > kMaxSpecBytes) {
    throw Error(ErrorKind::kInternal, "What stage " + std::to_string(spec.id.stage) + ", task " +
                                          std::to_string(spec.id.task) + " is told to do takes " +
                                          std::to_string(text.size()) + " bytes; " +
                                          std::to_string(kMaxSpecBytes) + " are the limit.");
  }
  return text;
}

TaskSpec ParseTaskSpec(const std::string& text) {
  try {
    json in = json::parse(text);
    if (in.at("version") != kVersion) {
      throw Error(ErrorKind::kInternal, "What a task is told to do has version " +
                                            in.at("version").dump() + "; this worker reads " +
                                            std::to_string(kVersion) + ".");
    }
    TaskSpec spec;
    spec.id = {in.at("stage"), in.at("task"), in.at("attempt")};
    spec.job_folder = in.at("job_folder");
    spec.fragment = in.at("fragment");
    for (const auto& input : in.at("inputs")) {
      spec.inputs.push_back({input.at("id"), input.at("stage"),
                             static_cast<ExchangeKind>(input.at("kind").get<int>()),
                             input.at("version"), input.at("partitions").at(0),
                             input.at("partitions").at(1)});
    }
    spec.has_scans = in.at("has_scans");
    spec.num_columns = in.at("num_columns");
    spec.num_keys = in.at("num_keys");
    spec.num_partitions = in.at("num_partitions");
    spec.ordered = in.at("ordered");
    return spec;
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kInternal,
                std::string("What a task is told to do can't be read: ") + error.what());
  }
}

}  // namespace smallpond
