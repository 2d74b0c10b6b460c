#include "smallpond/options.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <regex>
#include <string_view>
#include <utility>
#include <vector>

#include "base/checks.h"
#include "base/nearest_option.h"
#include "base/text.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

int ParseInt(const std::string& text, const std::string& what, int minimum) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    ThrowInvalid(what + " must be a whole number, not '" + text + "'.");
  }
  if (value < minimum) {
    ThrowInvalid(what + " must be at least " + std::to_string(minimum) + ", not " + text + ".");
  }
  return value;
}

bool ParseBool(const std::string& text, const std::string& what) {
  std::string lower = Lower(text);
  if (lower == "1" || lower == "true" || lower == "yes" || lower == "on") return true;
  if (lower == "0" || lower == "false" || lower == "no" || lower == "off" || lower.empty())
    return false;
  ThrowInvalid(what + " must be true or false, not '" + text + "'.");
}

// Returns the text of a time as it is: ISO 8601, or seconds since 1970.
std::string ParseTime(const std::string& text, const std::string& what) {
  static const std::regex time(
      R"(\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?|\d+(\.\d+)?)");
  if (std::regex_match(text, time)) return text;
  ThrowInvalid(what +
               " must be a time such as '2026-01-31T12:00:00', or seconds since 1970, not '" +
               text + "'.");
}

// A value of an enum and what people write for it.
template <typename Kind>
struct Named {
  std::string_view name;
  Kind kind;
};

constexpr Named<MergeMode> kMergeModes[] = {{"auto", MergeMode::kAuto},
                                            {"concat", MergeMode::kConcat}};

constexpr Named<ExecutorKind> kExecutorKinds[] = {{"direct", ExecutorKind::kDirect},
                                                  {"threads", ExecutorKind::kThreads},
                                                  {"processes", ExecutorKind::kProcesses},
                                                  {"ray", ExecutorKind::kRay}};

constexpr Named<WriteMode> kWriteModes[] = {{"overwrite", WriteMode::kOverwrite},
                                            {"append", WriteMode::kAppend},
                                            {"error", WriteMode::kError},
                                            {"ignore", WriteMode::kIgnore}};

template <typename Kind, size_t kCount>
Kind ParseName(const std::string& text, const std::string& what,
               const Named<Kind> (&names)[kCount]) {
  std::string list;
  for (size_t i = 0; i < kCount; ++i) {
    if (text == names[i].name) return names[i].kind;
    if (i > 0) list += i + 1 < kCount ? ", " : " or ";
    list += "'" + std::string(names[i].name) + "'";
  }
  ThrowInvalid(what + " must be " + list + ", not '" + text + "'.");
}

std::string ParseChoice(const std::string& text, const std::string& what,
                        const std::vector<std::string>& choices) {
  std::string list;
  for (const auto& choice : choices) {
    if (text == choice) return text;
    list += (list.empty() ? "'" : ", '") + choice + "'";
  }
  ThrowInvalid(what + " must be one of " + list + ", not '" + text + "'.");
}

// One option: its name as an argument, its environment variable, and how to set it.
struct Setting {
  const char* name;
  const char* variable;
  void (*set)(Options&, const std::string& text, const std::string& what);
};

const std::vector<Setting>& Settings() {
  using Text = const std::string&;
  static const std::vector<Setting> settings = {
      {"job_id", "SP_JOBID", [](Options& o, Text text, Text) { o.job_id = text; }},
      {"job_name", "SP_JOB_NAME", [](Options& o, Text text, Text) { o.job_name = text; }},
      {"job_time", "SP_JOB_TIME",
       [](Options& o, Text text, Text what) { o.job_time = ParseTime(text, what); }},
      {"data_root", "SP_DATA_ROOT", [](Options& o, Text text, Text) { o.data_root = text; }},
      {"data_dir", "SP_DATA_DIR", [](Options& o, Text text, Text) { o.data_dir = text; }},
      {"temp_dir", "SP_TEMP_DIR", [](Options& o, Text text, Text) { o.temp_dir = text; }},
      {"ray_address", "SP_RAY_ADDRESS", [](Options& o, Text text, Text) { o.ray_address = text; }},
      {"num_executors", "SP_NUM_EXECUTORS",
       [](Options& o, Text text, Text what) { o.num_executors = ParseInt(text, what, 0); }},
      {"num_nodes", "SP_NUM_NODES",
       [](Options& o, Text text, Text what) { o.num_nodes = ParseInt(text, what, 1); }},
      {"threads", "SP_THREADS",
       [](Options& o, Text text, Text what) { o.threads = ParseInt(text, what, 1); }},
      {"partitions", "SP_PARTITIONS",
       [](Options& o, Text text, Text what) { o.partitions = ParseInt(text, what, 1); }},
      {"duckdb_memory", "SP_DUCKDB_MEMORY",
       [](Options& o, Text text, Text what) { o.duckdb_memory_bytes = ParseBytes(text, what); }},
      {"partition_size", "SP_PARTITION_SIZE",
       [](Options& o, Text text, Text what) { o.partition_size_bytes = ParseBytes(text, what); }},
      {"broadcast_size", "SP_BROADCAST_SIZE",
       [](Options& o, Text text, Text what) { o.broadcast_size_bytes = ParseBytes(text, what); }},
      {"whole_size", "SP_WHOLE_SIZE",
       [](Options& o, Text text, Text what) {
         o.whole_size_bytes = text == "0" ? 0 : ParseBytes(text, what);
       }},
      {"max_exchange_bytes", "SP_MAX_EXCHANGE_BYTES",
       [](Options& o, Text text, Text what) { o.max_exchange_bytes = ParseBytes(text, what); }},
      {"bind_numa_node", "SP_BIND_NUMA_NODE",
       [](Options& o, Text text, Text what) { o.bind_numa_node = ParseBool(text, what); }},
      {"_remove_output_root", nullptr,
       [](Options& o, Text text, Text what) { o.remove_output_root = ParseBool(text, what); }},
      {"memory_allocator", "SP_MEMORY_ALLOCATOR",
       [](Options& o, Text text, Text what) {
         o.memory_allocator = ParseChoice(text, what, {"system", "jemalloc", "mimalloc"});
       }},
      {"platform", "SP_PLATFORM", [](Options& o, Text text, Text) { o.platform = text; }},
      {"executor", "SP_EXECUTOR",
       [](Options& o, Text text, Text what) {
         o.executor = ParseName(text, what, kExecutorKinds);
       }},
      {"merge", "SP_MERGE",
       [](Options& o, Text text, Text what) { o.merge = ParseName(text, what, kMergeModes); }},
  };
  return settings;
}

}  // namespace

uint64_t ParseBytes(const std::string& text, const std::string& what) {
  static const std::vector<std::pair<std::string, double>> units = {{"", 1},
                                                                    {"b", 1},
                                                                    {"k", 1e3},
                                                                    {"kb", 1e3},
                                                                    {"m", 1e6},
                                                                    {"mb", 1e6},
                                                                    {"g", 1e9},
                                                                    {"gb", 1e9},
                                                                    {"t", 1e12},
                                                                    {"tb", 1e12},
                                                                    {"kib", 1024.0},
                                                                    {"mib", 1048576.0},
                                                                    {"gib", 1073741824.0},
                                                                    {"tib", 1099511627776.0}};
  const char* begin = text.c_str();
  char* end = nullptr;
  double number = std::strtod(begin, &end);
  while (std::isspace(static_cast<unsigned char>(*end))) ++end;
  std::string unit = Lower(end);
  while (!unit.empty() && std::isspace(static_cast<unsigned char>(unit.back()))) unit.pop_back();
  for (const auto& [name, factor] : units) {
    double bytes = number * factor;
    if (end != begin && name == unit && std::isfinite(bytes) && bytes >= 1 && bytes < 9.2e18) {
      return static_cast<uint64_t>(bytes);
    }
  }
  ThrowInvalid(what +
               " must be a size such as '8GB', '512MiB' or a number of bytes above 0, not '" +
               text + "'.");
}

std::string ExecutorKindName(ExecutorKind kind) {
  for (const auto& executor : kExecutorKinds) {
    if (executor.kind == kind) return std::string(executor.name);
  }
  return "";
}

WriteMode ParseWriteMode(const std::string& text) { return ParseName(text, "mode", kWriteModes); }

Options Options::FromEnvironment() {
  Options options;
  for (const auto& setting : Settings()) {
    const char* text = setting.variable ? std::getenv(setting.variable) : nullptr;
    if (text && *text) setting.set(options, text, setting.variable);
  }
  return options;
}

void Options::Set(const std::string& name, const std::string& value) {
  for (const auto& setting : Settings()) {
    if (name == setting.name) return setting.set(*this, value, name);
  }
  std::vector<std::string> names;
  for (const auto& setting : Settings()) names.emplace_back(setting.name);
  std::string nearest = NearestOption(name, names);
  ThrowInvalid("There is no option '" + name + "'." +
               (nearest.empty() ? "" : " Did you mean '" + nearest + "'?"));
}

}  // namespace smallpond
