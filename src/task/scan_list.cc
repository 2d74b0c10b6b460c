#include "task/scan_list.h"

#include <nlohmann/json.hpp>

#include "smallpond/error.h"

namespace smallpond {
namespace {

using nlohmann::json;

json FormatPart(const ScanPart& part) {
  return part.is_whole ? json::array({part.path, part.number})
                       : json::array({part.path, part.number, part.row_begin, part.row_end});
}

ScanPart ParsePart(const json& in) {
  ScanPart part;
  part.path = in.at(0);
  part.number = in.at(1);
  part.is_whole = in.size() == 2;
  if (part.is_whole) return part;
  part.row_begin = in.at(2);
  part.row_end = in.at(3);
  return part;
}

json FormatTask(const TaskScans& task) {
  json scans = json::array();
  for (const auto& [id, scan] : task.scans) {
    json parts = json::array();
    for (const auto& part : scan.parts) parts.push_back(FormatPart(part));
    scans.push_back({{"id", id}, {"parts", std::move(parts)}});
  }
  json files = json::array();
  for (const auto& file : task.files) {
    files.push_back({file.path, file.bytes, file.modified_ns, file.inode});
  }
  return {{"scans", std::move(scans)}, {"files", std::move(files)}};
}

TaskScans ParseTask(const json& in) {
  TaskScans task;
  for (const auto& scan : in.at("scans")) {
    ScanInput& input = task.scans[scan.at("id")];
    for (const auto& part : scan.at("parts")) input.parts.push_back(ParsePart(part));
  }
  for (const auto& file : in.at("files")) {
    task.files.push_back({file.at(0), file.at(1), file.at(2), file.at(3)});
  }
  return task;
}

}  // namespace

std::string FormatScanList(const std::vector<TaskScans>& tasks) {
  json out = json::array();
  for (const auto& task : tasks) out.push_back(FormatTask(task));
  try {
    return out.dump();
  } catch (const json::exception& error) {  // A path that is not UTF-8.
    throw Error(ErrorKind::kUnsupported,
                std::string("The name of a file can't be sent to a worker: ") + error.what());
  }
}

std::vector<TaskScans> ParseScanList(const std::string& text, const std::string& name) {
  try {
    std::vector<TaskScans> tasks;
    for (const auto& task : json::parse(text)) tasks.push_back(ParseTask(task));
    return tasks;
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kInternal, "'" + name + "' can't be read: " + error.what());
  }
}

}  // namespace smallpond
