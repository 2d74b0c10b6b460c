#include "python/executors.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <nanobind/trampoline.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error_kinds.h"
#include "executor/process_executor.h"
#include "python/core_call.h"
#include "python/error_class.h"
#include "smallpond/error.h"
#include "task/executor.h"
#include "worker/guarded_run.h"
#include "worker/make_worker.h"
#include "worker/worker_loop.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace smallpond {
namespace {

// In the order of TaskEvent::Kind.
constexpr std::array<const char*, 4> kEventKinds{"finished", "lost", "cancelled", "heartbeat"};

TaskEvent MakeEvent(const std::string& kind, TaskId id, std::string report) {
  for (size_t i = 0; i < kEventKinds.size(); ++i) {
    if (kind == kEventKinds[i]) return {static_cast<TaskEvent::Kind>(i), id, std::move(report)};
  }
  throw Error(ErrorKind::kInternal, "There is no task event of kind '" + kind + "'.");
}

// Throws what Python raised as an Error of ours. KeyboardInterrupt and the like stay what they are:
// they pass through the core and are raised again at its Python caller.
[[noreturn]] void ThrowAsError(nb::python_error& raised) {
  Locked locked;
  if (!raised.matches(PyExc_Exception)) throw nb::python_error(raised);
  for (const auto& [kind, name] : kErrorKinds) {
    if (raised.matches(ErrorClass(name))) throw Error(kind, nb::str(raised.value()).c_str());
  }
  throw Error(ErrorKind::kInternal, std::string("The executor failed: ") + raised.what());
}

template <class Call>
auto WithErrors(const Call& call) {
  try {
    return call();
  } catch (nb::python_error& raised) {
    ThrowAsError(raised);
  }
}

// An executor that Python implements. The core calls it without the interpreter's lock.
class PythonExecutor : public Executor {
 public:
  NB_TRAMPOLINE(Executor, 6);

  int Slots() const override {
    return WithErrors([&]() -> int { NB_OVERRIDE_PURE_NAME("slots", Slots); });
  }
  int PlannedSlots() const override {
    return WithErrors([&]() -> int { NB_OVERRIDE_NAME("planned_slots", PlannedSlots); });
  }
  void BeginJob() override {
    WithErrors([&]() -> void { NB_OVERRIDE_NAME("begin_job", BeginJob); });
  }
  void Submit(std::vector<TaskLaunch> launches) override {
    WithErrors([&]() -> void { NB_OVERRIDE_PURE_NAME("submit", Submit, launches); });
  }
  std::vector<TaskEvent> Wait(int timeout_ms) override {
    return WithErrors(
        [&]() -> std::vector<TaskEvent> { NB_OVERRIDE_PURE_NAME("wait", Wait, timeout_ms); });
  }
  void Cancel(TaskId id) override {
    WithErrors([&]() -> void { NB_OVERRIDE_PURE_NAME("cancel", Cancel, id); });
  }
};

// A worker inside a process that something else keeps (Ray): RunTask, and the flags of what runs.
class TaskWorker {
 public:
  explicit TaskWorker(const std::string& setup) : run_task_(MakeWorker(setup)) {}

  std::string Run(int stage, int task, int attempt, int job, const std::string& spec) {
    std::atomic<bool> cancelled{false};
    TaskId id{stage, task, attempt, job};
    {
      std::lock_guard lock(mutex_);
      running_[id] = &cancelled;
    }
    std::string report = RunGuarded(run_task_, spec, cancelled);
    std::lock_guard lock(mutex_);
    running_.erase(id);
    return report;
  }

  void Cancel(int stage, int task, int attempt, int job) {
    std::lock_guard lock(mutex_);
    auto found = running_.find({stage, task, attempt, job});
    if (found != running_.end()) *found->second = true;
  }

 private:
  const RunTask run_task_;
  std::mutex mutex_;  // Guards running_.
  std::map<TaskId, std::atomic<bool>*> running_;
};

void DefineValues(nb::module_& m) {
  nb::class_<TaskId>(m, "TaskId")
      .def(
          "__init__",
          [](TaskId* self, int stage, int task, int attempt, int job) {
            new (self) TaskId{stage, task, attempt, job};
          },
          "stage"_a, "task"_a, "attempt"_a, "job"_a = 0)
      .def_ro("stage", &TaskId::stage)
      .def_ro("task", &TaskId::task)
      .def_ro("attempt", &TaskId::attempt)
      .def_ro("job", &TaskId::job)
      .def("__eq__", [](const TaskId& a, const TaskId& b) { return a == b; })
      .def("__hash__",
           [](const TaskId& id) {
             return nb::hash(nb::make_tuple(id.stage, id.task, id.attempt, id.job));
           })
      .def("__repr__", [](const TaskId& id) {
        return "TaskId(" + std::to_string(id.stage) + ", " + std::to_string(id.task) + ", " +
               std::to_string(id.attempt) + (id.job ? ", job=" + std::to_string(id.job) : "") + ")";
      });
  nb::class_<TaskLaunch>(m, "TaskLaunch")
      .def(
          "__init__",
          [](TaskLaunch* self, TaskId id, std::string spec) {
            new (self) TaskLaunch{id, std::move(spec)};
          },
          "id"_a, "spec"_a)
      .def_ro("id", &TaskLaunch::id)
      .def_ro("spec", &TaskLaunch::spec);
  nb::class_<TaskEvent>(m, "TaskEvent")
      .def(
          "__init__",
          [](TaskEvent* self, const std::string& kind, TaskId id, std::string report) {
            new (self) TaskEvent(MakeEvent(kind, id, std::move(report)));
          },
          "kind"_a, "id"_a, "report"_a = "")
      .def_prop_ro(
          "kind",
          [](const TaskEvent& event) { return kEventKinds[static_cast<size_t>(event.kind)]; })
      .def_ro("id", &TaskEvent::id)
      .def_ro("report", &TaskEvent::report);
}

void DefineProcessExecutor(nb::module_& m) {
  nb::class_<ProcessExecutor, Executor>(m, "ProcessExecutor")
      .def(
          "__init__",
          [](ProcessExecutor* self, std::vector<std::string> command,
             std::vector<std::string> environment, std::string setup, int num_workers,
             int slots_per_worker, std::string log_folder, int max_worker_restarts) {
            ProcessExecutorOptions options;
            options.command = std::move(command);
            options.environment = std::move(environment);
            options.setup = std::move(setup);
            options.num_workers = num_workers;
            options.slots_per_worker = slots_per_worker;
            options.log_folder = std::move(log_folder);
            options.max_worker_restarts = max_worker_restarts;
            new (self) ProcessExecutor(std::move(options));
          },
          "command"_a, "environment"_a, "setup"_a, "num_workers"_a, "slots_per_worker"_a,
          "log_folder"_a, "max_worker_restarts"_a)
      .def_prop_ro("worker_pids", &ProcessExecutor::WorkerPids);
}

void CloseExecutor(nb::object* executor) {
  if (!nb::is_alive()) return;  // The interpreter has ended, and took the object with it.
  Locked locked;
  try {
    if (nb::hasattr(*executor, "close")) executor->attr("close")();
  } catch (nb::python_error& raised) {
    raised.discard_as_unraisable("closing an executor");
  }
  delete executor;
}

}  // namespace

std::shared_ptr<Executor> MakePythonExecutor(const nb::object& make, const std::string& setup) {
  return WithErrors([&] {
    Locked locked;
    auto* object = new nb::object(make(setup));
    return std::shared_ptr<Executor>(nb::cast<Executor*>(*object),
                                     [object](Executor*) { CloseExecutor(object); });
  });
}

void DefineExecutors(nb::module_& m) {
  using Release = nb::call_guard<Unlocked>;
  DefineValues(m);
  nb::class_<Executor, PythonExecutor>(m, "Executor")
      .def(nb::init<>())
      .def("slots", &Executor::Slots, Release())
      .def("planned_slots", &Executor::PlannedSlots, Release())
      .def("begin_job", &Executor::BeginJob, Release())
      .def("submit", &Executor::Submit, "launches"_a, Release())
      .def("wait", &Executor::Wait, "timeout_ms"_a, Release())
      .def("cancel", &Executor::Cancel, "id"_a, Release());
  DefineProcessExecutor(m);
  nb::class_<TaskWorker>(m, "TaskWorker")
      .def(nb::init<const std::string&>(), "setup"_a, Release())
      .def("run", &TaskWorker::Run, "stage"_a, "task"_a, "attempt"_a, "job"_a, "spec"_a, Release())
      .def("cancel", &TaskWorker::Cancel, "stage"_a, "task"_a, "attempt"_a, "job"_a, Release());
  m.def("run_worker", [] { return RunWorkerLoop(kWorkerSocket, MakeWorker); }, Release());
}

}  // namespace smallpond
