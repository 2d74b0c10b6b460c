#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scheduler/job_files.h"
#include "scheduler/job_log.h"
#include "scheduler/job_state.h"
#include "task/executor.h"

namespace smallpond {

/// How far a stage is.
struct StageProgress {
  int num_tasks = 0;
  int num_done = 0;
  int num_running = 0;
  int num_attempts = 0;  ///< Launched so far.
  uint64_t rows = 0;     ///< Of the tasks that are done.
  uint64_t bytes = 0;
  bool removed = false;  ///< Done, and its files gone.
};

/// How far a job is, a value of its own.
struct JobProgress {
  std::vector<StageProgress> stages;
};

/// Runs one job: carries out what JobState decides, and tells it what the executor says. One thread
/// uses it, that of its caller.
class Scheduler {
 public:
  /// The spec of an attempt, which reads these versions of its inputs, in the order of its stage's
  /// inputs. It may throw, which ends the job.
  using MakeSpec = std::function<std::string(TaskId id, const std::vector<int>& input_versions)>;
  /// Called about every kTickIntervalMs. Returning false stops the job; it may throw.
  using Observer = std::function<bool(const JobProgress&)>;
  /// Milliseconds of a clock that never goes back.
  using Clock = std::function<int64_t()>;

  /// What a scheduler works with. All of it belongs to others and lives longer.
  struct Parts {
    Executor& executor;
    JobFiles& files;
    MakeSpec make_spec;
    JobLog* log = nullptr;   ///< May be null.
    Observer observer = {};  ///< May be empty.
    Clock clock = {};        ///< Empty: the machine's.
    int job = 0;             ///< Tells its attempts from those of others at the executor.
  };

  Scheduler(StageGraph graph, JobLimits limits, Parts parts);

  /// Runs until the result is complete. Throws the job's first error, Cancelled where the observer
  /// says so, what the observer, `make_spec`, the executor or the log throws. Once it has thrown,
  /// the job stays failed. Either way attempts that still ran have been asked to stop, and have
  /// done so or had `kDrainMs` for it.
  void Run();

  /// Whether the executor can run another job when Run has ended: it failed in nothing, and has
  /// told the end of every attempt. Otherwise attempts that nobody waits for have its slots.
  bool ExecutorIsIdle() const { return !failed_outside_ && submitted_.empty(); }

  /// Says that files of outputs are gone, such as those of the result that the caller found missing
  /// (then Run it again), or those of a dead worker. The observer may call it too. The job may have
  /// failed then, which the next Run throws.
  void ReportLost(std::vector<TaskId> outputs);
  /// Says that rows of the result have been seen outside, so that they can't change any more.
  void ReportCommitted();

  /// The attempts whose files are the outputs of a complete stage.
  OutputsList Outputs(int stage) const;
  /// What a task of a complete stage has written for users: the files of the attempt that counts.
  const std::vector<WrittenFile>& Files(int stage, int task) const;
  JobProgress Progress() const;
  const JobState& state() const { return state_; }

  static constexpr int64_t kDrainMs = 2'000;
  static constexpr int kRemovalsPerTurn = 200;  ///< So that removing files does not hold up a job.

 private:
  void Step();
  void Apply(JobEvent event);
  void Carry(const JobAction& action);
  JobEvent EventOf(const TaskEvent& event);
  // The id of an attempt as the executor knows it.
  TaskId Outside(TaskId id) const {
    id.job = parts_.job;
    return id;
  }
  std::vector<TaskEvent> Wait(int timeout_ms);
  OutputsList ListOf(int stage, int version, const std::vector<int>& attempts) const;
  void Submit();
  void RemoveSome();
  void Observe();
  void Abort(ErrorKind kind, const std::string& message);
  void Drain();
  void Log(JobLogLine line);

  JobState state_;
  Parts parts_;
  int64_t observed_ms_ = 0;
  int slots_ = -1;
  std::vector<TaskLaunch> launches_;                  // To be submitted together.
  std::map<TaskId, std::vector<WrittenFile>> files_;  // Of attempts that have finished.
  std::deque<TaskId> removals_;                       // Attempts whose files nobody reads.
  std::set<TaskId> submitted_;                        // Whose end the executor has not told yet.
  TaskFailure failure_;                               // Why the job has failed.
  bool failed_outside_ = false;  // Something that a job works with threw, not a task.
};

}  // namespace smallpond
