#include "task/file_output.h"

#include <nlohmann/json.hpp>

#include "smallpond/error.h"

namespace smallpond {
namespace {

using Json = nlohmann::json;

Json FormatCopy(const CopyOptions& copy) {
  Json json = {{"ending", copy.ending},         {"options", copy.options},
               {"encryption", copy.encryption}, {"is_parquet", copy.is_parquet},
               {"partition_by", Json::array()}, {"partition_list", copy.partition_list},
               {"sort_list", copy.sort_list}};
  for (const auto& column : copy.partition_by)
    json["partition_by"].push_back({column.name, column.key, column.type});
  if (copy.file_size_bytes) json["file_size"] = *copy.file_size_bytes;
  return json;
}

CopyOptions ParseCopy(const Json& json) {
  CopyOptions copy;
  copy.ending = json.at("ending");
  copy.options = json.at("options");
  copy.encryption = json.at("encryption");
  copy.is_parquet = json.at("is_parquet");
  for (const auto& column : json.at("partition_by"))
    copy.partition_by.push_back({column.at(0), column.at(1), column.at(2)});
  copy.partition_list = json.at("partition_list");
  copy.sort_list = json.at("sort_list");
  if (json.contains("file_size")) copy.file_size_bytes = json.at("file_size").get<uint64_t>();
  return copy;
}

}  // namespace

std::string FormatFileOutput(const FileOutput& output) {
  Json json = {{"copy", FormatCopy(output.copy)},
               {"columns", output.columns},
               {"in_order", output.in_order},
               {"staging_folder", output.staging_folder},
               {"tag", output.tag}};
  try {
    return json.dump();
  } catch (const Json::exception&) {
    throw Error(ErrorKind::kUnsupported,
                "The path '" + output.staging_folder +
                    "' or a column's name is not UTF-8, so that no task can be told of it");
  }
}

FileOutput ParseFileOutput(const std::string& text, const std::string& name) {
  try {
    Json json = Json::parse(text);
    FileOutput output;
    output.copy = ParseCopy(json.at("copy"));
    output.columns = json.at("columns").get<std::vector<std::string>>();
    output.in_order = json.at("in_order");
    output.staging_folder = json.at("staging_folder");
    output.tag = json.at("tag");
    return output;
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kInternal,
                "'" + name + "' does not tell which files to write: " + error.what());
  }
}

}  // namespace smallpond
