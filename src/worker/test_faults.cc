#include "worker/test_faults.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "storage/job/job_names.h"

namespace smallpond {
namespace {

void KillThisProcess() { kill(getpid(), SIGKILL); }

void CutInHalf(const std::string& path) {
  std::error_code ignored;
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2, ignored);
}

void FlipByteInMiddle(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(middle);
  char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(middle);
  file.put(byte);
}

}  // namespace

std::unique_ptr<TestFaults> TestFaults::FromEnvironment() {
  const char* folder = std::getenv("SMALLPOND_TEST_FAULTS");
  return folder && *folder ? std::make_unique<TestFaults>(folder) : nullptr;
}

std::string TestFaults::PathOf(TaskId id, const std::string& fault) const {
  return folder_ + "/" + std::to_string(id.stage) + "." + std::to_string(id.task) + "." +
         std::to_string(id.attempt) + "." + fault;
}

// Of several processes only one can remove the file.
bool TestFaults::Take(TaskId id, const std::string& fault) const {
  return unlink(PathOf(id, fault).c_str()) == 0;
}

void TestFaults::AtStart(const TaskSpec& spec) const {
  const TaskId id = spec.id;
  std::ofstream attempts(folder_ + "/attempts", std::ios::app);
  attempts << std::to_string(id.stage) + " " + std::to_string(id.task) + " " +
                  std::to_string(id.attempt) + "\n";
  attempts.close();
  if (Take(id, "kill-at-start")) KillThisProcess();
  std::string name;
  std::getline(std::ifstream(PathOf(id, "flip-file")), name);
  if (!Take(id, "flip-file")) return;
  if (name == "fragment") name = FragmentFileName(spec.fragment);
  FlipByteInMiddle(spec.job_folder + "/" + name);
}

void TestFaults::AtEnd(TaskId id, const std::string& path) const {
  if (Take(id, "kill-in-middle")) {
    CutInHalf(path);
    KillThisProcess();
  }
  if (Take(id, "kill-at-end")) KillThisProcess();
  if (Take(id, "extra")) {
    std::filesystem::path written(path);
    std::filesystem::copy_file(written,
                               written.parent_path() / ("extra-" + written.filename().string()));
  }
  if (Take(id, "flip")) FlipByteInMiddle(path);
  if (Take(id, "cut")) CutInHalf(path);
  if (Take(id, "drop")) unlink(path.c_str());
}

}  // namespace smallpond
