#include "scheduler/job_log.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/secrets.h"

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

}  // namespace smallpond
