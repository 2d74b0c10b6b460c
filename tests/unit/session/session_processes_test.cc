#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "error_of.h"
#include "scratch_folder.h"
#include "small_session.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

Options ProcessOptions(const ScratchFolder& folder) {
  Options options = SmallOptions();
  options.executor = ExecutorKind::kProcesses;
  options.num_executors = 2;
  options.partitions = 3;
  options.data_root = folder.Path("root");
  return options;
}

// Groups rows of a file in stages: 10 groups of 100.
int64_t CountGroups(const ScratchFolder& folder, const Options& options) {
  Session session = Session::Init(options);
  std::string path = folder.Path("rows.parquet");
  session.Sql("SELECT i % 10 AS k FROM range(1000) t(i)").WriteFile(path, "parquet");
  SqlInputs inputs{.positional = {session.ReadParquet({path})}};
  return session.Sql("SELECT k, count(*) AS n FROM {0} GROUP BY k HAVING n = 100", inputs).Count();
}

TEST(SessionProcesses, StartTheGivenCommand) {
  ScratchFolder folder;
  Options options = ProcessOptions(folder);
  options.worker_command = {SMALLPOND_COMMAND, "worker"};
  EXPECT_EQ(CountGroups(folder, options), 10);
  EXPECT_TRUE(std::filesystem::is_empty(folder.Path("root/jobs")));
}

TEST(SessionProcesses, FindTheCommandOnThePath) {
  ScratchFolder folder;
  std::string path = std::getenv("PATH");
  std::string program = SMALLPOND_COMMAND;
  setenv("PATH", (program.substr(0, program.rfind('/')) + ":" + path).c_str(), 1);
  EXPECT_EQ(CountGroups(folder, ProcessOptions(folder)), 10);
  setenv("PATH", path.c_str(), 1);
}

TEST(SessionProcesses, SayWhichCommandIsMissing) {
  ScratchFolder folder;
  Options options = ProcessOptions(folder);
  options.worker_command = {"/no/such/smallpond", "worker"};
  std::string text = ErrorOf(ErrorKind::kUnavailable, [&] { CountGroups(folder, options); });
  EXPECT_CONTAINS(text, "/no/such/smallpond");
}

}  // namespace
}  // namespace smallpond
