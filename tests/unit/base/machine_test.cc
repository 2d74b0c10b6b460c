#include "base/machine.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "scratch_folder.h"

namespace smallpond {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// A file system with control groups of its own. The limits in it are far below any real machine's.
class Machine : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) { folder_.Write(name, text); }
  uint64_t Memory() const { return UsableMemoryBytes(folder_.path()); }
  int Cpus() const { return UsableCpus(folder_.path()); }

  ScratchFolder folder_;
  const uint64_t all_memory_ =
      UsableMemoryBytes(folder_.path());  // No control group: the machine's own.
  const int all_cpus_ = UsableCpus(folder_.path());
};

using MachineMemory = Machine;
using MachineCpus = Machine;

TEST_F(MachineMemory, IsTheMachinesWithoutControlGroups) {
  uint64_t kilobytes = 0;
  std::ifstream file("/proc/meminfo");
  std::string label;
  file >> label >> kilobytes;
  ASSERT_EQ(label, "MemTotal:");
  EXPECT_NEAR(static_cast<double>(all_memory_), static_cast<double>(kilobytes) * 1024, 1e6);
}

TEST_F(MachineMemory, IsTheMachinesWhereNoLimitIsSet) {
  Write("proc/self/cgroup", "0::/job\n");
  EXPECT_EQ(Memory(), all_memory_) << "a group without files";
  Write("sys/fs/cgroup/job/memory.max", "max\n");
  EXPECT_EQ(Memory(), all_memory_) << "version 2 says max";
  Write("proc/self/cgroup", "9:memory:/job\n");
  Write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Memory(), all_memory_) << "version 1 says a number above all memory";
  Write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "-1\n");
  EXPECT_EQ(Memory(), all_memory_) << "version 1 says -1";
}

TEST_F(MachineMemory, ReadsALimitOfVersion2) {
  Write("proc/self/cgroup", "0::/job\n");
  Write("sys/fs/cgroup/job/memory.max", std::to_string(64 * kMiB) + "\n");
  EXPECT_EQ(Memory(), 64 * kMiB);
}

TEST_F(MachineMemory, TakesTheSmallestLimitOfNestedGroups) {
  Write("proc/self/cgroup", "0::/slice/service/job\n");
  Write("sys/fs/cgroup/slice/service/job/memory.max", "max\n");
  Write("sys/fs/cgroup/slice/service/memory.max", std::to_string(96 * kMiB));
  Write("sys/fs/cgroup/slice/memory.max", std::to_string(32 * kMiB));
  EXPECT_EQ(Memory(), 32 * kMiB);
  Write("sys/fs/cgroup/slice/service/job/memory.max", std::to_string(16 * kMiB));
  EXPECT_EQ(Memory(), 16 * kMiB);
}

TEST_F(MachineMemory, ReadsTheRootThatAContainerSees) {
  Write("proc/self/cgroup",
        "0::/docker/0123456789ab\n");  // A path of the host, not mounted inside.
  Write("sys/fs/cgroup/memory.max", std::to_string(48 * kMiB) + "\n");
  EXPECT_EQ(Memory(), 48 * kMiB);
  Write("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(Memory(), 48 * kMiB);
}

TEST_F(MachineMemory, ReadsALimitOfVersion1AmongOtherControllers) {
  Write("proc/self/cgroup",
        "12:pids:/other\n9:memory:/outer/job\n4:cpu,cpuacct:/other\n1:name=systemd:/x\n");
  Write("sys/fs/cgroup/memory/outer/job/memory.limit_in_bytes", std::to_string(80 * kMiB) + "\n");
  Write("sys/fs/cgroup/memory/other/memory.limit_in_bytes", std::to_string(kMiB) + "\n");
  EXPECT_EQ(Memory(), 80 * kMiB) << "a group of another controller does not count";
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(40 * kMiB) + "\n");
  EXPECT_EQ(Memory(), 40 * kMiB);
}

TEST_F(MachineMemory, IgnoresWhatItCannotRead) {
  Write("proc/self/cgroup", "nonsense\n\n0:\n::\n0::/job\n");
  Write("sys/fs/cgroup/job/memory.max", "lots\n");
  EXPECT_EQ(Memory(), all_memory_);
  Write("sys/fs/cgroup/job/memory.max", "");
  EXPECT_EQ(Memory(), all_memory_);
  Write("proc/self/cgroup", "0::/../../outside\n");  // Above the root of a cgroup namespace.
  EXPECT_EQ(Memory(), all_memory_);
}

TEST_F(MachineCpus, AreTheProcesssWithoutQuota) {
  EXPECT_GE(all_cpus_, 1);
  Write("proc/self/cgroup", "0::/job\n");
  Write("sys/fs/cgroup/job/cpu.max", "max 100000\n");
  EXPECT_EQ(Cpus(), all_cpus_);
  Write("proc/self/cgroup", "4:cpu,cpuacct:/job\n");
  Write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  Write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Cpus(), all_cpus_);
}

TEST_F(MachineCpus, RoundAQuotaUpToAWholeOneAndAtLeastOne) {
  Write("proc/self/cgroup", "0::/job\n");
  Write("sys/fs/cgroup/job/cpu.max", "100000 100000\n");
  EXPECT_EQ(Cpus(), 1);
  Write("sys/fs/cgroup/job/cpu.max", "1000 100000\n");
  EXPECT_EQ(Cpus(), 1);
  if (all_cpus_ < 2) GTEST_SKIP() << "one processor only";
  Write("sys/fs/cgroup/job/cpu.max", "100001 100000\n");
  EXPECT_EQ(Cpus(), 2);
  Write("sys/fs/cgroup/job/cpu.max", "75000 50000\n");
  EXPECT_EQ(Cpus(), 2);
}

TEST_F(MachineCpus, AreNeverMoreThanThereAre) {
  Write("proc/self/cgroup", "0::/job\n");
  Write("sys/fs/cgroup/job/cpu.max", "100000000 100000\n");
  EXPECT_EQ(Cpus(), all_cpus_);
}

TEST_F(MachineCpus, TakeTheSmallestQuotaOfNestedGroups) {
  Write("proc/self/cgroup", "0::/slice/job\n");
  Write("sys/fs/cgroup/slice/job/cpu.max", "max 100000\n");
  Write("sys/fs/cgroup/slice/cpu.max", "90000 100000\n");
  EXPECT_EQ(Cpus(), 1);
}

TEST_F(MachineCpus, ReadAQuotaOfVersion1) {
  Write("proc/self/cgroup", "4:cpu,cpuacct:/job\n");
  Write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
  EXPECT_EQ(Cpus(), all_cpus_) << "a quota without its period says nothing";
  Write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Cpus(), 1);
}

TEST_F(MachineCpus, IgnoreWhatTheyCannotRead) {
  Write("proc/self/cgroup", "0::/job\n");
  for (const char* text : {"", "\n", "50000\n", "x y\n", "0 100000\n", "50000 0\n"}) {
    SCOPED_TRACE(text);
    Write("sys/fs/cgroup/job/cpu.max", text);
    EXPECT_EQ(Cpus(), all_cpus_);
  }
}

}  // namespace
}  // namespace smallpond
