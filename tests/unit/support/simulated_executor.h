#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/job_files.h"
#include "task/executor.h"
#include "task/stage_graph.h"

namespace smallpond {

/// What may go wrong in a history, and how often. Reports are reordered and told twice in any case.
struct SimulatedFaults {
  int budget = 0;             ///< Faults in all, of the kinds below.
  double per_attempt = 0;     ///< How likely an attempt has one.
  double per_output = 0;      ///< How likely an output that was reported is deleted later.
  double worker_death = 0;    ///< How likely a worker dies when an attempt begins.
  bool user_errors = false;   ///< Whether errors that end a job are among them.
  int max_out_of_memory = 1;  ///< Of the faults, at most these.
  bool slots_vary = true;     ///< Whether workers come and go.
};

/// A cluster and its shared folder in one thread, on a clock of its own: every choice comes from a
/// seed. It computes no rows. The content of an output is a hash of its task and of the contents
/// that the attempt read, and of the attempt itself if the stage is not deterministic; with each
/// goes what it was made from. So it can be told whether all that somebody read, or the whole
/// result, belongs to one execution.
class SimulatedExecutor : public Executor, public JobFiles {
 public:
  /// `graph` says which stages are truly deterministic.
  SimulatedExecutor(StageGraph graph, uint64_t seed, SimulatedFaults faults);

  // --- Executor ---
  int Slots() const override { return slots_; }
  void Submit(std::vector<TaskLaunch> launches) override;
  std::vector<TaskEvent> Wait(int timeout_ms) override;
  void Cancel(TaskId id) override;

  // --- JobFiles ---
  void WriteOutputs(const OutputsList& list) override;
  void RemoveAttempt(TaskId id) override { files_.erase(id); }

  static std::string MakeSpec(const std::vector<int>& input_versions);
  int64_t now_ms() const { return now_ms_; }
  int64_t num_submitted() const { return static_cast<int64_t>(submitted_.size()); }
  int num_faults() const { return num_faults_; }

  /// Outputs of dead workers that nobody has been told of, which empties the list.
  std::vector<TaskId> TakeLostOutputs() { return std::exchange(lost_outputs_, {}); }
  /// Outputs in the list whose files are gone.
  std::vector<TaskId> Missing(const OutputsList& list) const;
  /// Contents of the outputs in the list, all of which are there.
  std::vector<uint64_t> Contents(const OutputsList& list) const;
  /// Throws std::logic_error unless the result is whole and comes from one execution.
  void CheckResult(const OutputsList& list) const;
  /// Deletes an output.
  void Delete(TaskId id) { files_.erase(id); }

  static constexpr int64_t kLeaseMs = 1'000;

 private:
  using Origins = std::map<std::pair<int, int>, uint64_t>;  // (stage, task) → content read.
  struct File {
    uint64_t content = 0;
    int worker = 0;
    Origins made_from;
  };
  enum class Fault { kNone, kLost, kSilent, kIo, kUnavailable, kOutOfMemory, kUserCode };
  struct Attempt {
    std::vector<int> versions;
    int worker = 0;
    int64_t end_ms = 0;
    Fault fault = Fault::kNone;
    bool stopped = false;
    File file;  // What it is going to write.
  };
  /// Something that is going to happen.
  struct Happening {
    enum class Kind { kStart, kBeat, kEnd, kTell, kDelete } kind;
    TaskId id;
    TaskEvent event = {};
  };

  bool Chance(double probability);
  int64_t Between(int64_t low, int64_t high);
  bool Spend();
  Fault DrawFault();
  void Happen(const Happening& happening, std::vector<TaskEvent>& told);
  void Start(TaskId id);
  void End(TaskId id);
  void KillWorker(int worker);
  void Tell(int64_t delay_ms, TaskEvent::Kind kind, TaskId id, std::string report);
  void At(int64_t delay_ms, Happening happening);
  std::string Read(TaskId id, Attempt& attempt);
  static void Merge(Origins& into, const Origins& from, const std::string& who);

  StageGraph graph_;
  SimulatedFaults faults_;
  std::mt19937_64 random_;
  uint64_t seed_;
  int64_t now_ms_ = 0;
  int num_waits_ = 0;
  int num_faults_ = 0;
  int num_out_of_memory_ = 0;
  int slots_;
  std::multimap<int64_t, Happening> future_;
  std::map<TaskId, Attempt> running_;
  std::set<TaskId> submitted_;
  std::map<TaskId, File> files_;
  std::map<std::pair<int, int>, OutputsList> lists_;
  std::vector<TaskId> lost_outputs_;
};

}  // namespace smallpond
