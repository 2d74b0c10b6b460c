#include "worker/write_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>

#include "base/content_hash.h"
#include "duckdb_adapter/connection/database.h"
#include "error_of.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

FileOutput Output(const std::string& folder) {
  FileOutput output;
  output.copy.ending = ".parquet";
  output.copy.options = "FORMAT parquet";
  output.copy.is_parquet = true;
  output.columns = {"k", "v"};
  output.staging_folder = folder;
  output.tag = "abc";
  return output;
}

// Of an attempt that goes on after the write has ended and removed all folders.
TEST(WriteFiles, MakesNoFolderAgainThatIsGone) {
  ScratchFolder folder;
  Database database{DatabaseLimits{}};
  Statement rows = Statement::ParseQuery("SELECT i % 3 AS k, i AS v FROM range(10) AS t(i)");
  FileOutput plain = Output(folder.path());
  FileOutput folders = plain;
  folders.copy.partition_by = {{"k", "k", "BIGINT"}};
  folders.copy.partition_list = "\"k\"";
  FileOutput sorted = folders;
  sorted.copy.sort_list = "\"v\"";
  FileOutput sizes = folders;
  sizes.copy.file_size_bytes = 1000;
  for (const FileOutput& output : {plain, folders, sorted, sizes}) {
    Connection late(database);
    ErrorOf(ErrorKind::kIo, [&] { WriteFiles(late, rows, output, folder.Path("gone/0-0"), 0); });
    EXPECT_EQ(folder.List(), std::vector<std::string>());
    std::filesystem::create_directories(folder.Path("there/0-0"));
    Connection connection(database);
    EXPECT_EQ(WriteFiles(connection, rows, output, folder.Path("there/0-0"), 0).rows, 10);
    std::filesystem::remove_all(folder.Path("there"));
  }
}

TEST(WriteFiles, NotesTheHashOfEachFile) {
  ScratchFolder folder;
  Database database{DatabaseLimits{}};
  Connection connection(database);
  Statement rows = Statement::ParseQuery("SELECT i % 3 AS k, i AS v FROM range(100000) AS t(i)");
  FileOutput output = Output(folder.path());
  output.copy.partition_by = {{"k", "k", "BIGINT"}};
  output.copy.partition_list = "\"k\"";
  auto written = WriteFiles(connection, rows, output, folder.path(), 0);
  SyncWrittenFiles(folder.path(), written.files);
  ASSERT_EQ(written.files.size(), 3u);
  for (const auto& file : written.files) {
    std::ifstream stream(folder.Path(file.name + OutputFile::kStagedEnding), std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_EQ(content.size(), file.bytes);
    EXPECT_EQ(file.hash, ContentHash(content));
  }
  TaskReport report = TaskResult{.files = written.files};
  auto read = std::get<TaskResult>(ParseTaskReport(FormatTaskReport(report)));
  EXPECT_EQ(read.files.at(0).hash, written.files[0].hash);
}

}  // namespace
}  // namespace smallpond
