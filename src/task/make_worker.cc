#include "task/run_task.h"

namespace smallpond {

RunTask MakeWorker(const std::string& /*setup_json*/) {
  return [](const std::string& /*spec*/, const std::atomic<bool>& /*cancelled*/) {
    return std::string(
        R"({"ok":false,"error":{"kind":"Unsupported","message":"Workers run no tasks in this version. Leave out executor=."},"lost_input":null})");
  };
}

}  // namespace smallpond
