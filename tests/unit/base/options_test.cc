#include "smallpond/options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "error_of.h"

namespace smallpond {
namespace {

const std::vector<std::string> kVariables = {
    "SP_JOBID",       "SP_JOB_NAME",       "SP_JOB_TIME",          "SP_DATA_ROOT",
    "SP_DATA_DIR",    "SP_TEMP_DIR",       "SP_NUM_EXECUTORS",     "SP_NUM_NODES",
    "SP_RAY_ADDRESS", "SP_BIND_NUMA_NODE", "SP_MEMORY_ALLOCATOR",  "SP_PLATFORM",
    "SP_EXECUTOR",    "SP_THREADS",        "SP_DUCKDB_MEMORY",     "SP_PARTITION_SIZE",
    "SP_PARTITIONS",  "SP_MERGE",          "SP_MAX_EXCHANGE_BYTES"};

// Every test starts without SP_ variables and leaves the environment as it was.
class OptionsFromEnvironment : public ::testing::Test {
 protected:
  OptionsFromEnvironment() {
    for (const auto& name : kVariables) {
      if (const char* value = std::getenv(name.c_str())) before_[name] = value;
      unsetenv(name.c_str());
    }
  }
  ~OptionsFromEnvironment() override {
    for (const auto& name : kVariables) {
      unsetenv(name.c_str());
      if (before_.count(name)) setenv(name.c_str(), before_[name].c_str(), 1);
    }
  }
  static void Set(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
  }

  std::map<std::string, std::string> before_;
};

TEST_F(OptionsFromEnvironment, AreTheDefaultsWhereNothingIsSet) {
  Options options = Options::FromEnvironment();
  EXPECT_EQ(options.job_id, "");
  EXPECT_EQ(options.data_dir, "");
  EXPECT_FALSE(options.duckdb_memory_bytes.has_value());
  EXPECT_FALSE(options.threads.has_value());
  EXPECT_FALSE(options.partitions.has_value());
  EXPECT_FALSE(options.executor.has_value());
  EXPECT_EQ(options.partition_size_bytes, 256'000'000u);
  EXPECT_EQ(options.merge, MergeMode::kAuto);
  EXPECT_EQ(options.num_nodes, 1);
  EXPECT_EQ(options.num_executors, 0);
  EXPECT_FALSE(options.bind_numa_node);
  EXPECT_TRUE(options.remove_output_root);
}

TEST_F(OptionsFromEnvironment, ReadEveryVariable) {
  Set("SP_JOBID", "job-7");
  Set("SP_JOB_NAME", "nightly");
  Set("SP_JOB_TIME", "2026-01-31T12:00:00");
  Set("SP_DATA_ROOT", "/data/root");
  Set("SP_DATA_DIR", "/data/in");
  Set("SP_TEMP_DIR", "/data/tmp");
  Set("SP_NUM_EXECUTORS", "3");
  Set("SP_NUM_NODES", "2");
  Set("SP_RAY_ADDRESS", "10.0.0.1:6379");
  Set("SP_BIND_NUMA_NODE", "yes");
  Set("SP_MEMORY_ALLOCATOR", "jemalloc");
  Set("SP_PLATFORM", "MPI");
  Set("SP_EXECUTOR", "direct");
  Set("SP_THREADS", "5");
  Set("SP_DUCKDB_MEMORY", "2GiB");
  Set("SP_PARTITION_SIZE", "64MB");
  Set("SP_PARTITIONS", "11");
  Set("SP_MERGE", "concat");
  Set("SP_MAX_EXCHANGE_BYTES", "5GB");
  Options options = Options::FromEnvironment();
  EXPECT_EQ(options.job_id, "job-7");
  EXPECT_EQ(options.job_name, "nightly");
  EXPECT_EQ(options.job_time, "2026-01-31T12:00:00");
  EXPECT_EQ(options.data_root, "/data/root");
  EXPECT_EQ(options.data_dir, "/data/in");
  EXPECT_EQ(options.temp_dir, "/data/tmp");
  EXPECT_EQ(options.num_executors, 3);
  EXPECT_EQ(options.num_nodes, 2);
  EXPECT_EQ(options.ray_address, "10.0.0.1:6379");
  EXPECT_TRUE(options.bind_numa_node);
  EXPECT_EQ(options.memory_allocator, "jemalloc");
  EXPECT_EQ(options.platform, "MPI");
  EXPECT_EQ(options.executor, ExecutorKind::kDirect);
  EXPECT_EQ(options.threads, 5);
  EXPECT_EQ(options.duckdb_memory_bytes, 2'147'483'648u);
  EXPECT_EQ(options.partition_size_bytes, 64'000'000u);
  EXPECT_EQ(options.partitions, 11);
  EXPECT_EQ(options.merge, MergeMode::kConcat);
  EXPECT_EQ(options.max_exchange_bytes, 5'000'000'000u);
}

TEST_F(OptionsFromEnvironment, TakeAnEmptyVariableForAMissingOne) {
  Set("SP_THREADS", "");
  Set("SP_MERGE", "");
  Set("SP_DUCKDB_MEMORY", "");
  Options options = Options::FromEnvironment();
  EXPECT_FALSE(options.threads.has_value());
  EXPECT_FALSE(options.duckdb_memory_bytes.has_value());
}

TEST_F(OptionsFromEnvironment, NameTheVariableThatCannotBeRead) {
  Set("SP_THREADS", "many");
  EXPECT_EQ(InvalidInputOf([] { Options::FromEnvironment(); }),
            "SP_THREADS must be a whole number, not 'many'.");
}

TEST(OptionsSet, SetsEachOptionByItsPythonName) {
  Options options;
  options.Set("job_id", "a");
  options.Set("job_name", "b");
  options.Set("job_time", "1769860800");
  options.Set("data_root", "d");
  options.Set("data_dir", "e");
  options.Set("temp_dir", "f");
  options.Set("ray_address", "g");
  options.Set("num_executors", "0");
  options.Set("num_nodes", "4");
  options.Set("threads", "1");
  options.Set("partitions", "2");
  options.Set("duckdb_memory", "1e6");
  options.Set("partition_size", "1MB");
  options.Set("memory_allocator", "mimalloc");
  options.Set("platform", "mpi");
  options.Set("executor", "direct");
  options.Set("merge", "auto");
  options.Set("max_exchange_bytes", "2MB");
  options.Set("_remove_output_root", "false");
  EXPECT_EQ(options.job_id + options.job_name + options.job_time + options.data_root +
                options.data_dir + options.temp_dir + options.ray_address,
            "ab1769860800defg");
  EXPECT_EQ(options.num_nodes, 4);
  EXPECT_EQ(options.threads, 1);
  EXPECT_EQ(options.partitions, 2);
  EXPECT_EQ(options.duckdb_memory_bytes, 1'000'000u);
  EXPECT_EQ(options.partition_size_bytes, 1'000'000u);
  EXPECT_EQ(options.memory_allocator, "mimalloc");
  EXPECT_EQ(options.platform, "mpi");
  EXPECT_EQ(options.executor, ExecutorKind::kDirect);
  EXPECT_EQ(options.merge, MergeMode::kAuto);
  EXPECT_EQ(options.max_exchange_bytes, 2'000'000u);
  EXPECT_FALSE(options.remove_output_root);
}

TEST(OptionsSet, ReadsTruthInItsUsualSpellings) {
  Options options;
  for (const std::string text : {"1", "true", "True", "YES", "on"}) {
    options.bind_numa_node = false;
    options.Set("bind_numa_node", text);
    EXPECT_TRUE(options.bind_numa_node) << text;
  }
  for (const std::string text : {"0", "false", "False", "NO", "off", ""}) {
    options.bind_numa_node = true;
    options.Set("bind_numa_node", text);
    EXPECT_FALSE(options.bind_numa_node) << text;
  }
}

TEST(OptionsSet, SaysWhatAValueMustBe) {
  struct Case {
    std::string name, value, message;
  };
  const std::vector<Case> cases = {
      {"threads", "0", "threads must be at least 1, not 0."},
      {"threads", "-3", "threads must be at least 1, not -3."},
      {"threads", "2.5", "threads must be a whole number, not '2.5'."},
      {"threads", "", "threads must be a whole number, not ''."},
      {"threads", " 2", "threads must be a whole number, not ' 2'."},
      {"threads", "99999999999", "threads must be a whole number, not '99999999999'."},
      {"num_nodes", "0", "num_nodes must be at least 1, not 0."},
      {"num_executors", "-1", "num_executors must be at least 0, not -1."},
      {"partitions", "0", "partitions must be at least 1, not 0."},
      {"bind_numa_node", "maybe", "bind_numa_node must be true or false, not 'maybe'."},
      {"job_time", "soon",
       "job_time must be a time such as '2026-01-31T12:00:00', or seconds since 1970, not 'soon'."},
      {"merge", "Auto", "merge must be 'auto' or 'concat', not 'Auto'."},
      {"executor", "spark",
       "executor must be 'direct', 'threads', 'processes' or 'ray', not 'spark'."},
      {"memory_allocator", "tcmalloc",
       "memory_allocator must be one of 'system', 'jemalloc', 'mimalloc', not 'tcmalloc'."},
  };
  for (const auto& [name, value, message] : cases) {
    SCOPED_TRACE(name + "=" + value);
    EXPECT_EQ(InvalidInputOf([&] { Options().Set(name, value); }), message);
  }
  EXPECT_CONTAINS(InvalidInputOf([] { Options().Set("duckdb_memory", "8XB"); }),
                  "duckdb_memory must be a size");
}

TEST(OptionsSet, LeavesTheOptionAloneWhereTheValueIsWrong) {
  Options options;
  options.Set("threads", "3");
  InvalidInputOf([&] { options.Set("threads", "x"); });
  EXPECT_EQ(options.threads, 3);
}

TEST(OptionsSet, NamesTheNearestOption) {
  EXPECT_EQ(InvalidInputOf([] { Options().Set("thread", "1"); }),
            "There is no option 'thread'. Did you mean 'threads'?");
  EXPECT_EQ(InvalidInputOf([] { Options().Set("memory_limit", "1"); }),
            "There is no option 'memory_limit'. Did you mean 'duckdb_memory'?");
  EXPECT_EQ(InvalidInputOf([] { Options().Set("zzz", "1"); }), "There is no option 'zzz'.");
}

TEST(OptionsSet, TakesEveryExecutorByItsName) {
  for (const std::string name : {"direct", "threads", "processes", "ray"}) {
    Options options;
    options.Set("executor", name);
    EXPECT_EQ(ExecutorKindName(*options.executor), name);
  }
}

TEST(ErrorKindName, GivesEachKindANameOfItsOwn) {
  const std::vector<std::pair<ErrorKind, std::string>> names = {
      {ErrorKind::kInvalidInput, "InvalidInput"},
      {ErrorKind::kUnsupported, "Unsupported"},
      {ErrorKind::kUserCode, "UserCode"},
      {ErrorKind::kOutOfMemory, "OutOfMemory"},
      {ErrorKind::kIo, "Io"},
      {ErrorKind::kUnavailable, "Unavailable"},
      {ErrorKind::kCancelled, "Cancelled"},
      {ErrorKind::kInternal, "Internal"}};
  for (const auto& [kind, name] : names) EXPECT_EQ(ErrorKindName(kind), name);
}

}  // namespace
}  // namespace smallpond
