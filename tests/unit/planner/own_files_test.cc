// A task opens no file but its own: the others may be gone from where it runs.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "run_stages.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

namespace fs = std::filesystem;

constexpr int kNumFiles = 5;

struct Reader {
  const char* name;
  const char* ending;
  const char* options;
};

void PrintTo(const Reader& reader, std::ostream* out) { *out << reader.name << reader.options; }

class OwnFiles : public testing::TestWithParam<Reader> {
 protected:
  OwnFiles() : database_(Limits()) {
    PrepareForStages(database_);
    connection_ = Connect();
    for (int file = 0; file < kNumFiles; ++file) {
      std::string number = std::to_string(file);
      std::string folder = folder_.path() + "/k=" + number;
      fs::create_directories(folder);
      std::string path = folder + "/a." + GetParam().ending;
      // Files differ in what a look into them tells: names of columns, types, formats of dates.
      std::string own = file % 2 == 0 ? "" : ", 'x' AS c" + number;
      connection_->Run(Statement::Parse("COPY (SELECT " + number + " AS a, '0" + number +
                                        "/21/2021' AS d" + (united() ? own : "") + ") TO '" + path +
                                        "'"));
      paths_.push_back(path);
    }
  }

  static DatabaseLimits Limits() {
    DatabaseLimits limits;
    limits.threads = 2;
    limits.memory_bytes = 1'000'000'000;
    return limits;
  }

  static bool united() {
    return std::string(GetParam().options).find("union_by_name") != std::string::npos;
  }

  std::unique_ptr<Connection> Connect() { return std::make_unique<Connection>(database_); }

  // Moves all files away but these.
  void LeaveOnly(const std::set<std::string>& own) {
    for (const auto& path : paths_) {
      bool is_there = fs::exists(path);
      if (own.count(path) > 0 && !is_there) fs::rename(path + ".away", path);
      if (own.count(path) == 0 && is_there) fs::rename(path, path + ".away");
    }
  }

  ScratchFolder folder_;
  Database database_;
  std::unique_ptr<Connection> connection_;
  std::vector<std::string> paths_;
};

TEST_P(OwnFiles, AreAllThatATaskOpens) {
  std::string sql = std::string("SELECT (count(*) + sum(a))::BIGINT FROM ") + GetParam().name +
                    "('" + folder_.path() + "/*/*'" + GetParam().options + ") WHERE k > 0";
  StageOptions options;
  options.slots = kNumFiles;
  options.partitions = kNumFiles;
  options.split.exactly = kNumFiles;
  const ScanDivision::Connect connect = [this] { return Connect(); };
  StagePlanner planner(*connection_, connect, options);
  StagePlan plan = planner.Finish(Statement::ParseQuery(sql));
  Worker worker([this] { return Connect(); });
  int num_readers = 0;
  Statement result = RunStagesInOrder(
      *connection_, plan, worker, folder_.path() + "/job", [&](int stage, int task) {
        std::set<std::string> own;
        const auto& scans = plan.work[static_cast<size_t>(stage)].scans;
        if (!scans.empty()) {
          for (const auto& file : scans[static_cast<size_t>(task)].files) own.insert(file.path);
        }
        if (!own.empty()) ++num_readers;
        EXPECT_LE(own.size(), 1u);
        LeaveOnly(own);
      });
  EXPECT_EQ(num_readers, kNumFiles - 1);
  EXPECT_EQ(connection_->QueryInt64(std::move(result)), 4 + 10);
}

INSTANTIATE_TEST_SUITE_P(Readers, OwnFiles,
                         testing::Values(Reader{"read_csv", "csv", ""},
                                         Reader{"read_csv", "csv", ", union_by_name = true"},
                                         Reader{"read_csv", "csv", ", files_to_sniff = -1"},
                                         Reader{"read_json", "json", ""},
                                         Reader{"read_json", "json", ", union_by_name = true"},
                                         Reader{"read_json", "json", ", maximum_sample_files = -1"},
                                         Reader{"read_parquet", "parquet", ""},
                                         Reader{"read_parquet", "parquet",
                                                ", union_by_name = true"}));

}  // namespace
}  // namespace smallpond
