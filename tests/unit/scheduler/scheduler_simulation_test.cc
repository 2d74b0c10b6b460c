#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <string>

#include "scheduler/scheduler.h"
#include "simulated_executor.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

/// Deliberate mistakes, to see that the simulation notices them.
enum class Mistake {
  kNone,
  kAllCalledDeterministic,  // JobState is told that attempts of every stage write the same rows.
  kFirstListForEver,  // Attempts read the first list of outputs, whatever they were launched on.
};

struct Tally {
  int complete = 0;
  int failed = 0;
  int64_t attempts = 0;
  int64_t faults = 0;
};

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  int Between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  bool Chance(double p) { return std::uniform_real_distribution<double>(0, 1)(engine_) < p; }

 private:
  std::mt19937_64 engine_;
};

// Up to seven stages. Whatever nobody reads is gathered by the last one.
StageGraph RandomGraph(Random& random) {
  StageGraph graph;
  int num_stages = random.Between(1, 7);
  std::set<int> unread;
  for (int s = 0; s < num_stages; ++s) {
    Stage stage;
    stage.id = s;
    stage.num_tasks = random.Chance(0.03) ? 0 : random.Between(1, 7);
    stage.deterministic = random.Chance(0.6);
    std::set<int> inputs;
    if (s > 0 && !random.Chance(0.2)) {
      for (int i = random.Between(1, 3); i > 0; --i) inputs.insert(random.Between(0, s - 1));
    }
    if (s == num_stages - 1) inputs.insert(unread.begin(), unread.end());
    for (int input : inputs) {
      auto kind = static_cast<ExchangeKind>(random.Between(0, 4));
      if (kind == ExchangeKind::kForward) {
        if (stage.inputs.empty())
          stage.num_tasks = graph.stages[static_cast<size_t>(input)].num_tasks;
        if (stage.num_tasks != graph.stages[static_cast<size_t>(input)].num_tasks) {
          kind = ExchangeKind::kHash;
        }
      }
      stage.inputs.push_back({input, kind});
      unread.erase(input);
    }
    unread.insert(s);
    graph.stages.push_back(stage);
  }
  return graph;
}

/// One job from its beginning to its end, all of it decided by a seed.
class History {
 public:
  History(uint64_t seed, Mistake mistake)
      : random_(seed),
        mistake_(mistake),
        graph_(RandomGraph(random_)),
        tolerable_(random_.Chance(0.5)),
        cancels_(!tolerable_ && random_.Chance(0.05)),
        executor_(graph_, seed, Faults()),
        scheduler_(GraphForState(), SmallLimits(), Parts()) {}

  /// Throws where anything is not as it must be.
  void Run(Tally& tally) {
    try {
      RunToTheEnd();
      ++tally.complete;
    } catch (const Error& error) {
      ++tally.failed;
      // Three faults can't use up four attempts.
      if (tolerable_) throw std::logic_error(std::string("gave up: ") + error.what());
      if (std::string(error.what()).empty()) throw std::logic_error("failed without a reason");
    }
    tally.attempts += executor_.num_submitted();
    tally.faults += executor_.num_faults();
    if (executor_.num_faults() == 0 && !cancels_ && !loses_result_ &&
        executor_.num_submitted() != NumTasks()) {
      throw std::logic_error("tasks ran more often than they had to");
    }
  }

 private:
  SimulatedFaults Faults() {
    SimulatedFaults faults;
    faults.slots_vary = random_.Chance(0.5);
    if (random_.Chance(0.1)) return faults;
    faults.budget = tolerable_ ? 3 : random_.Between(1, 60);
    double rate = random_.Chance(0.5) ? 1 : 3;
    faults.per_attempt = random_.Chance(0.7) ? 0.05 * rate : 0;
    faults.per_output = random_.Chance(0.7) ? 0.1 * rate : 0;
    faults.worker_death = random_.Chance(0.5) ? 0.03 * rate : 0;
    faults.user_errors = !tolerable_;
    faults.max_out_of_memory = tolerable_ ? 1 : 5;
    return faults;
  }

  static JobLimits SmallLimits() {
    JobLimits limits;
    limits.lease_ms = SimulatedExecutor::kLeaseMs;
    limits.retry_delay_ms = 20;
    limits.no_slots_ms = 1'000'000;
    limits.extra_attempts = 500;
    return limits;
  }

  StageGraph GraphForState() const {
    StageGraph graph = graph_;
    if (mistake_ == Mistake::kAllCalledDeterministic) {
      for (Stage& stage : graph.stages) stage.deterministic = true;
    }
    return graph;
  }

  Scheduler::Parts Parts() {
    auto make_spec = [this](TaskId, std::vector<int> versions) {
      if (mistake_ == Mistake::kFirstListForEver) versions.assign(versions.size(), 0);
      return SimulatedExecutor::MakeSpec(versions);
    };
    auto observe = [this](const JobProgress&) {
      auto lost = executor_.TakeLostOutputs();
      if (!lost.empty()) scheduler_.ReportLost(lost);
      return !(cancels_ && random_.Chance(0.02));
    };
    return {executor_, executor_, make_spec,
            nullptr,   observe,   [this] { return executor_.now_ms(); }};
  }

  // As a driver does: reads the result, and asks again for what is missing.
  void RunToTheEnd() {
    scheduler_.Run();
    int last = graph_.stages.back().id;
    for (int reads = 0;; ++reads) {
      OutputsList result = scheduler_.Outputs(last);
      std::vector<TaskId> missing = executor_.Missing(result);
      if (missing.empty()) break;
      if (reads > 50) throw std::logic_error("the result is lost again and again");
      scheduler_.ReportLost(missing);
      scheduler_.Run();
    }
    OutputsList result = scheduler_.Outputs(last);
    executor_.CheckResult(result);
    if (tolerable_ || result.files.empty() || !random_.Chance(0.5)) return;
    // Somebody has seen it, and now a part of it is lost: it comes again as it was, or not at all.
    std::vector<uint64_t> contents = executor_.Contents(result);
    scheduler_.ReportCommitted();
    loses_result_ = true;
    int task = random_.Between(0, static_cast<int>(result.files.size()) - 1);
    executor_.Delete({last, task, result.files[static_cast<size_t>(task)].attempt});
    scheduler_.ReportLost({{last, task, result.files[static_cast<size_t>(task)].attempt}});
    scheduler_.Run();
    result = scheduler_.Outputs(last);
    if (executor_.Missing(result).empty() && executor_.Contents(result) != contents) {
      throw std::logic_error("rows that were handed out have changed");
    }
  }

  int64_t NumTasks() const {
    int64_t tasks = 0;
    for (const Stage& stage : graph_.stages) tasks += stage.num_tasks;
    return tasks;
  }

  Random random_;
  Mistake mistake_;
  StageGraph graph_;
  bool tolerable_;
  bool cancels_;
  bool loses_result_ = false;
  SimulatedExecutor executor_;
  Scheduler scheduler_;
};

// Returns what was wrong, or "".
std::string Play(uint64_t seed, Mistake mistake, Tally& tally) {
  try {
    History(seed, mistake).Run(tally);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

void PlayAll(uint64_t first, uint64_t count) {
  if (const char* replayed = std::getenv("SMALLPOND_SIMULATION_SEED")) {
    first = std::strtoull(replayed, nullptr, 10);
    count = 1;
  }
  Tally tally;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    std::string problem = Play(seed, Mistake::kNone, tally);
    ASSERT_EQ(problem, "") << "Replay it with SMALLPOND_SIMULATION_SEED=" << seed;
  }
  std::cout << count << " histories: " << tally.complete << " complete, " << tally.failed
            << " failed with a reason; " << tally.attempts << " attempts, " << tally.faults
            << " faults\n";
}

// How many of the first histories the mistake spoils.
int NumSpoiled(Mistake mistake, uint64_t count) {
  int spoiled = 0;
  Tally tally;
  for (uint64_t seed = 1; seed <= count; ++seed) spoiled += !Play(seed, mistake, tally).empty();
  return spoiled;
}

TEST(SchedulerSimulation, ResultIsOneExecutionWhateverFails) { PlayAll(1, 1'000); }

TEST(SchedulerSimulation, SlowTenThousandHistories) { PlayAll(1'000'000, 10'000); }

TEST(SchedulerSimulation, NoticesConsumersThatAreNotDiscarded) {
  EXPECT_GE(NumSpoiled(Mistake::kAllCalledDeterministic, 1'000), 10);
}

TEST(SchedulerSimulation, NoticesAttemptsThatReadAnOldList) {
  EXPECT_GE(NumSpoiled(Mistake::kFirstListForEver, 1'000), 10);
}

}  // namespace
}  // namespace smallpond
