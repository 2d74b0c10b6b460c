#include "task/task_spec.h"

#include <nlohmann/json.hpp>

#include "smallpond/error.h"

namespace smallpond {
namespace {

using nlohmann::json;

constexpr int kVersion = 5;

json ToJson(const ExchangeOutput& output) {
  return {{"num_columns", output.num_columns},
          {"num_keys", output.num_keys},
          {"function", static_cast<int>(output.function)},
          {"num_partitions", output.num_partitions},
          {"ordered", output.ordered}};
}

ExchangeOutput OutputOf(const json& in) {
  ExchangeOutput output;
  output.num_columns = in.at("num_columns");
  output.num_keys = in.at("num_keys");
  output.function = static_cast<PartitionFunction>(in.at("function").get<int>());
  output.num_partitions = in.at("num_partitions");
  output.ordered = in.at("ordered");
  return output;
}

}  // namespace

std::string FormatTaskSpec(const TaskSpec& spec) {
  json out = {{"version", kVersion},
              {"stage", spec.id.stage},
              {"task", spec.id.task},
              {"attempt", spec.id.attempt},
              {"job_folder", spec.job_folder},
              {"job_owner", spec.job_folder_access.owner},
              {"job_is_private", spec.job_folder_access.is_private},
              {"fragment", spec.fragment},
              {"inputs_version", spec.inputs_version},
              {"partitions", {spec.partition_begin, spec.partition_end}},
              {"has_scans", spec.has_scans},
              {"writes_files", spec.writes_files},
              {"output", ToJson(spec.output)}};
  std::string text;
  try {
    text = out.dump();
  } catch (const json::exception&) {
    throw Error(ErrorKind::kUnsupported, "The path of the job's folder (data_root) is not UTF-8: " +
                                             spec.job_folder + ". Give another data_root.");
  }
  if (text.size() > kMaxSpecBytes) {
    // Nothing else in it grows.
    throw Error(ErrorKind::kUnsupported, "The path of the job's folder has " +
                                             std::to_string(spec.job_folder.size()) +
                                             " bytes, more than a task can be told. Give a "
                                             "shorter data_root.");
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
    spec.job_folder_access = {in.at("job_owner"), in.at("job_is_private")};
    spec.fragment = in.at("fragment");
    spec.inputs_version = in.at("inputs_version");
    spec.partition_begin = in.at("partitions").at(0);
    spec.partition_end = in.at("partitions").at(1);
    spec.has_scans = in.at("has_scans");
    spec.writes_files = in.at("writes_files");
    spec.output = OutputOf(in.at("output"));
    return spec;
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kInternal,
                std::string("What a task is told to do can't be read: ") + error.what());
  }
}

}  // namespace smallpond
