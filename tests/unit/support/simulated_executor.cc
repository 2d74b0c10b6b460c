#include "simulated_executor.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace smallpond {
namespace {

constexpr int kWorkers = 3;
constexpr int kMaxWaits = 50'000;

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
  hash ^= hash >> 31;
  return hash * 0xbf58476d1ce4e5b9;
}

std::string NameOf(TaskId id) {
  return std::to_string(id.stage) + "/" + std::to_string(id.task) + "/" +
         std::to_string(id.attempt);
}

std::string Failure(const std::string& kind, const std::string& message, const TaskId* lost) {
  std::string input = "null";
  if (lost) {
    input = "{\"stage\":" + std::to_string(lost->stage) +
            ",\"task\":" + std::to_string(lost->task) +
            ",\"attempt\":" + std::to_string(lost->attempt) + "}";
  }
  return "{\"ok\":false,\"error\":{\"kind\":\"" + kind + "\",\"message\":\"" + message +
         "\"},\"lost_input\":" + input + "}";
}

}  // namespace

SimulatedExecutor::SimulatedExecutor(StageGraph graph, uint64_t seed, SimulatedFaults faults)
    : graph_(std::move(graph)), faults_(faults), random_(seed), seed_(seed) {
  slots_ = static_cast<int>(Between(1, 6));
}

bool SimulatedExecutor::Chance(double probability) {
  return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

int64_t SimulatedExecutor::Between(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random_);
}

bool SimulatedExecutor::Spend() {
  if (num_faults_ >= faults_.budget) return false;
  ++num_faults_;
  return true;
}

SimulatedExecutor::Fault SimulatedExecutor::DrawFault() {
  if (!Chance(faults_.per_attempt)) return Fault::kNone;
  auto fault = static_cast<Fault>(Between(1, faults_.user_errors && Chance(0.1) ? 6 : 5));
  if (fault == Fault::kOutOfMemory && num_out_of_memory_ >= faults_.max_out_of_memory) {
    return Fault::kNone;
  }
  if (!Spend()) return Fault::kNone;
  num_out_of_memory_ += fault == Fault::kOutOfMemory;
  return fault;
}

void SimulatedExecutor::Submit(std::vector<TaskLaunch> launches) {
  for (TaskLaunch& launch : launches) {
    if (!submitted_.insert(launch.id).second) {
      throw std::logic_error("submitted twice: " + NameOf(launch.id));
    }
    Attempt attempt;
    std::istringstream spec(launch.spec);
    for (int version = 0; spec >> version;) attempt.versions.push_back(version);
    attempt.worker = static_cast<int>(Between(0, kWorkers - 1));
    attempt.fault = DrawFault();
    running_[launch.id] = std::move(attempt);
    At(Between(0, 40), {Happening::Kind::kStart, launch.id});
  }
}

std::vector<TaskEvent> SimulatedExecutor::Wait(int timeout_ms) {
  if (++num_waits_ > kMaxWaits) throw std::logic_error("the job does not end");
  if (faults_.slots_vary && Chance(0.05)) slots_ = static_cast<int>(Between(0, 6));
  int64_t end_ms = now_ms_ + std::max(timeout_ms, 1);
  std::vector<TaskEvent> told;
  while (told.empty() && !future_.empty() && future_.begin()->first <= end_ms) {
    now_ms_ = std::max(now_ms_, future_.begin()->first);
    while (!future_.empty() && future_.begin()->first <= now_ms_) {
      Happening happening = std::move(future_.begin()->second);
      future_.erase(future_.begin());
      Happen(happening, told);
    }
  }
  if (told.empty()) now_ms_ = end_ms;
  std::shuffle(told.begin(), told.end(), random_);
  return told;
}

void SimulatedExecutor::Cancel(TaskId id) {
  auto found = running_.find(id);
  if (found == running_.end() || Chance(0.3)) return;  // Too late, or not taken notice of.
  if (found->second.fault != Fault::kSilent)
    Tell(Between(0, 20), TaskEvent::Kind::kCancelled, id, "");
  running_.erase(found);
}

void SimulatedExecutor::WriteOutputs(const OutputsList& list) {
  if (!lists_.emplace(std::pair(list.stage, list.version), list).second) {
    throw std::logic_error("a list of outputs was written twice");
  }
}

std::string SimulatedExecutor::MakeSpec(const std::vector<int>& input_versions) {
  std::string spec;
  for (int version : input_versions) spec += std::to_string(version) + " ";
  return spec;
}

void SimulatedExecutor::Happen(const Happening& happening, std::vector<TaskEvent>& told) {
  switch (happening.kind) {
    case Happening::Kind::kTell:
      return told.push_back(happening.event);
    case Happening::Kind::kDelete:
      files_.erase(happening.id);
      return;
    case Happening::Kind::kStart:
      return Start(happening.id);
    case Happening::Kind::kEnd:
      return End(happening.id);
    case Happening::Kind::kBeat:
      if (!running_.contains(happening.id)) return;
      told.push_back({TaskEvent::Kind::kHeartbeat, happening.id, ""});
      return At(kLeaseMs / 4, happening);
  }
}

void SimulatedExecutor::Start(TaskId id) {
  auto found = running_.find(id);
  if (found == running_.end()) return;
  Attempt& attempt = found->second;
  if (Chance(faults_.worker_death) && Spend()) return KillWorker(attempt.worker);
  std::string failure = Read(id, attempt);
  int64_t end_ms = Chance(0.05) ? Between(kLeaseMs, 3 * kLeaseMs) : Between(1, 200);
  if (attempt.fault == Fault::kLost || attempt.fault == Fault::kSilent) {
    if (attempt.fault == Fault::kLost) Tell(Between(1, 200), TaskEvent::Kind::kLost, id, "gone");
    // It may live on behind a broken network, and report when nobody reckons with it.
    bool lives_on = Chance(0.5);
    if (lives_on && failure.empty()) {
      return At(Between(1, 3 * kLeaseMs), {Happening::Kind::kEnd, id});
    }
    if (lives_on) Tell(Between(1, 3 * kLeaseMs), TaskEvent::Kind::kFinished, id, failure);
    running_.erase(found);
    return;
  }
  At(0, {Happening::Kind::kBeat, id});
  switch (attempt.fault) {
    case Fault::kIo:
      failure = Failure("Io", "injected", nullptr);
      break;
    case Fault::kUnavailable:
      failure = Failure("Unavailable", "injected", nullptr);
      break;
    case Fault::kOutOfMemory:
      failure = Failure("OutOfMemory", "injected", nullptr);
      break;
    case Fault::kUserCode:
      failure = Failure("UserCode", "injected", nullptr);
      break;
    default:
      break;
  }
  if (failure.empty()) return At(end_ms, {Happening::Kind::kEnd, id});
  running_.erase(found);
  Tell(Between(1, 200), TaskEvent::Kind::kFinished, id, failure);
}

void SimulatedExecutor::End(TaskId id) {
  auto found = running_.find(id);
  if (found == running_.end()) return;
  files_[id] = found->second.file;
  running_.erase(found);
  std::string rows = std::to_string(id.task + 1);
  Tell(Between(0, 20), TaskEvent::Kind::kFinished, id,
       "{\"ok\":true,\"rows\":" + rows + ",\"bytes\":" + rows + ",\"partitions\":[[" + rows + "," +
           rows + "]],\"wall_ms\":1,\"cpu_ms\":1,\"peak_memory_bytes\":1,\"spilled_bytes\":0}");
  if (Chance(faults_.per_output) && Spend()) At(Between(0, 2000), {Happening::Kind::kDelete, id});
}

// Its attempts are lost, and sometimes what it has written as well.
void SimulatedExecutor::KillWorker(int worker) {
  for (auto attempt = running_.begin(); attempt != running_.end();) {
    if (attempt->second.worker == worker) {
      Tell(Between(1, 400), TaskEvent::Kind::kLost, attempt->first, "its worker died");
      attempt = running_.erase(attempt);
    } else {
      ++attempt;
    }
  }
  if (Chance(0.5)) return;
  for (auto file = files_.begin(); file != files_.end();) {
    if (file->second.worker == worker) {
      lost_outputs_.push_back(file->first);
      file = files_.erase(file);
    } else {
      ++file;
    }
  }
  if (Chance(0.5)) lost_outputs_.clear();  // Nobody notices before somebody reads.
}

void SimulatedExecutor::Tell(int64_t delay_ms, TaskEvent::Kind kind, TaskId id,
                             std::string report) {
  Happening happening{Happening::Kind::kTell, id, {kind, id, std::move(report)}};
  if (Chance(0.1)) At(delay_ms + Between(0, 2 * kLeaseMs), happening);  // Once more.
  At(delay_ms, std::move(happening));
}

void SimulatedExecutor::At(int64_t delay_ms, Happening happening) {
  future_.emplace(now_ms_ + delay_ms, std::move(happening));
}

// Reads the attempt's inputs and works out what it will write. Returns the failure's report, or "".
std::string SimulatedExecutor::Read(TaskId id, Attempt& attempt) {
  const Stage& stage = graph_.stages.at(static_cast<size_t>(id.stage));
  uint64_t content = Mix(Mix(17, static_cast<uint64_t>(id.stage)), static_cast<uint64_t>(id.task));
  for (size_t i = 0; i < stage.inputs.size(); ++i) {
    auto list = lists_.find({stage.inputs[i].stage, attempt.versions.at(i)});
    if (list == lists_.end()) throw std::logic_error("no such list of outputs for " + NameOf(id));
    for (int task = 0; task < static_cast<int>(list->second.files.size()); ++task) {
      if (stage.inputs[i].kind == ExchangeKind::kForward && task != id.task) continue;
      TaskId input{list->first.first, task, list->second.files[static_cast<size_t>(task)].attempt};
      auto file = files_.find(input);
      if (file == files_.end()) return Failure("Io", "missing " + NameOf(input), &input);
      Merge(attempt.file.made_from, file->second.made_from, "the input of " + NameOf(id));
      Merge(attempt.file.made_from, {{{input.stage, task}, file->second.content}},
            "the input of " + NameOf(id));
      content = Mix(content, file->second.content);
    }
  }
  if (!stage.deterministic) content = Mix(Mix(content, static_cast<uint64_t>(id.attempt)), seed_);
  attempt.file.content = content;
  attempt.file.worker = attempt.worker;
  return "";
}

void SimulatedExecutor::Merge(Origins& into, const Origins& from, const std::string& who) {
  for (const auto& [task, content] : from) {
    auto [known, is_new] = into.emplace(task, content);
    if (is_new || known->second == content) continue;
    throw std::logic_error(who + " mixes two executions of " + std::to_string(task.first) + "/" +
                           std::to_string(task.second));
  }
}

std::vector<TaskId> SimulatedExecutor::Missing(const OutputsList& list) const {
  std::vector<TaskId> missing;
  for (size_t task = 0; task < list.files.size(); ++task) {
    TaskId id{list.stage, static_cast<int>(task), list.files[task].attempt};
    if (!files_.contains(id)) missing.push_back(id);
  }
  return missing;
}

std::vector<uint64_t> SimulatedExecutor::Contents(const OutputsList& list) const {
  std::vector<uint64_t> contents;
  for (size_t task = 0; task < list.files.size(); ++task) {
    contents.push_back(
        files_.at({list.stage, static_cast<int>(task), list.files[task].attempt}).content);
  }
  return contents;
}

void SimulatedExecutor::CheckResult(const OutputsList& list) const {
  const Stage& last = graph_.stages.back();
  if (list.stage != last.id || list.files.size() != static_cast<size_t>(last.num_tasks)) {
    throw std::logic_error("the result is not whole");
  }
  Origins origins;
  for (size_t task = 0; task < list.files.size(); ++task) {
    const File& file = files_.at({list.stage, static_cast<int>(task), list.files[task].attempt});
    Merge(origins, file.made_from, "the result");
  }
  // Whoever reads a stage reads all of it, so that every task before the result is among them.
  std::vector<bool> is_read(graph_.stages.size());
  is_read.back() = last.num_tasks > 0;
  for (size_t s = graph_.stages.size(); s-- > 0;) {
    if (!is_read[s]) continue;
    for (const StageInput& input : graph_.stages[s].inputs) {
      const Stage& producer = graph_.stages[static_cast<size_t>(input.stage)];
      is_read[static_cast<size_t>(input.stage)] = producer.num_tasks > 0;
      for (int task = 0; task < producer.num_tasks; ++task) {
        if (!origins.contains({input.stage, task})) {
          throw std::logic_error("nothing of task " + std::to_string(input.stage) + "/" +
                                 std::to_string(task) + " is in the result");
        }
      }
    }
  }
}

}  // namespace smallpond
