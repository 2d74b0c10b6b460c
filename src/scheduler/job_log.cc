#include "scheduler/job_log.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "base/secrets.h"
#include "smallpond/error.h"
#include "storage/files/io_error.h"

namespace smallpond {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string UtcNow() {
  auto now = std::chrono::system_clock::now();
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32], fraction[16];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(ms % 1000));
  return std::string(text) + fraction;
}

std::string ToJson(const JobLogLine& line) {
  OrderedJson json = {{"time", line.time}, {"event", line.event}};
  auto add_number = [&](const char* name, int64_t value) {
    if (value >= 0) json[name] = value;
  };
  add_number("stage", line.stage);
  add_number("task", line.task);
  add_number("attempt", line.attempt);
  add_number("version", line.version);
  add_number("rows", line.rows);
  add_number("bytes", line.bytes);
  add_number("ms", line.ms);
  if (!line.kind.empty()) json["kind"] = line.kind;
  if (!line.message.empty()) json["message"] = WithoutSecrets(line.message);
  // What is not UTF-8 in a message must not stop a job.
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

JobLogLine FromJson(const OrderedJson& json) {
  JobLogLine line;
  line.time = json.at("time").get<std::string>();
  line.event = json.at("event").get<std::string>();
  line.stage = json.value("stage", -1);
  line.task = json.value("task", -1);
  line.attempt = json.value("attempt", -1);
  line.version = json.value("version", -1);
  line.rows = json.value("rows", int64_t{-1});
  line.bytes = json.value("bytes", int64_t{-1});
  line.ms = json.value("ms", int64_t{-1});
  line.kind = json.value("kind", "");
  line.message = json.value("message", "");
  return line;
}

}  // namespace

JobLogLine JobLogLine::Of(std::string event, TaskId id) {
  JobLogLine line;
  line.event = std::move(event);
  line.stage = id.stage;
  line.task = id.task;
  line.attempt = id.attempt;
  return line;
}

void JobLog::Write(JobLogLine line) {
  line.time = UtcNow();
  file_.Append(ToJson(line) + "\n");
}

std::vector<JobLogLine> ReadJobLog(const std::string& path) {
  std::string log;
  if (std::error_code error = ReadText(path, log)) ThrowIo("Reading the log", path, error);
  std::istringstream file(log);
  std::vector<JobLogLine> lines;
  std::string text;
  while (std::getline(file, text)) {
    bool is_torn = file.eof();  // Without a line break: the writer died in the middle of it.
    if (is_torn) break;
    try {
      lines.push_back(FromJson(OrderedJson::parse(text)));
    } catch (const OrderedJson::exception& error) {
      throw Error(ErrorKind::kInternal, "Line " + std::to_string(lines.size() + 1) + " of '" +
                                            path + "' is not of a job's log: " + error.what());
    }
  }
  return lines;
}

}  // namespace smallpond
