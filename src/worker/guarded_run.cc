#include "worker/guarded_run.h"

#include <exception>
#include <new>

#include "task/task_report.h"
#include "worker/worker_message.h"

namespace smallpond {

std::string ErrorReport(ErrorKind kind, const std::string& message) {
  return FormatTaskReport(TaskFailure{kind, message, std::nullopt});
}

std::string RunGuarded(const RunTask& run_task, const std::string& spec,
                       const std::atomic<bool>& cancelled) {
  try {
    std::string report = run_task(spec, cancelled);
    if (report.size() <= WorkerMessage::kMaxTextBytes) return report;
    return ErrorReport(ErrorKind::kInternal,
                       "A task's report has " + std::to_string(report.size()) +
                           " bytes, more than " + std::to_string(WorkerMessage::kMaxTextBytes) +
                           ". Use fewer partitions.");
  } catch (const Error& error) {
    return ErrorReport(error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    return ErrorReport(ErrorKind::kOutOfMemory, "A worker could not allocate memory.");
  } catch (const std::exception& error) {
    return ErrorReport(ErrorKind::kInternal, std::string("A task failed: ") + error.what());
  } catch (...) {
    return ErrorReport(ErrorKind::kInternal, "A task threw what is no exception.");
  }
}

}  // namespace smallpond
