#include "worker/job_folders.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "error_of.h"
#include "scratch_folder.h"
#include "storage/files/file_system.h"
#include "storage/job/job_directory.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

TaskSpec SpecIn(const JobDirectory& job) {
  TaskSpec spec;
  spec.job_folder = job.path();
  spec.job_folder_access = job.folder_access();
  return ParseTaskSpec(FormatTaskSpec(spec));
}

TEST(JobFolders, StayTheDriversWhateverHasTheName) {
  ScratchFolder scratch;
  JobDirectory job(scratch.path(), 1);
  JobFolders folders;
  JobFolder mine = folders.Open(SpecIn(job));
  EXPECT_EQ(mine.Path("a"), job.path() + "/a");
  fs::rename(job.path(), scratch.Path("away"));
  fs::create_directory(job.path());
  WriteNew(mine.OpenedPath("rows"), "secret");
  WriteNew(folders.Open(SpecIn(job)).OpenedPath("more"), "secret");
  WriteNew(job.Opened(job.FragmentPath("plan")), "secret");
  EXPECT_TRUE(fs::is_empty(job.path()));
  EXPECT_TRUE(fs::exists(scratch.Path("away/fragments/plan")));
  job.Remove();
  EXPECT_TRUE(fs::is_empty(scratch.Path("away")));
}

TEST(JobFolders, AreOfTheDriversAccount) {
  ScratchFolder scratch;
  JobDirectory job(scratch.path(), 1);
  fs::rename(job.path(), scratch.Path("away"));
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { JobFolders().Open(SpecIn(job)); }),
                  "Does this worker see the job's folder (data_root)?");
  fs::create_directory(job.path());
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { JobFolders().Open(SpecIn(job)); }),
                  "other accounts may enter it");
  if (geteuid() != 0) return;
  ASSERT_EQ(chown(job.path().c_str(), 12345, 12345), 0);
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { JobFolders().Open(SpecIn(job)); }),
                  "belongs to account 12345");
}

}  // namespace
}  // namespace smallpond
