#include "task/file_output.h"

#include <gtest/gtest.h>

#include "error_of.h"
#include "task/task_report.h"

namespace smallpond {
namespace {

FileOutput Example() {
  FileOutput output;
  output.copy.ending = ".csv.gz";
  output.copy.options = "FORMAT csv, DELIM ';'";
  output.copy.partition_by = {{"a b", "a%20b", "INTEGER"}};
  output.copy.partition_list = "\"a b\"";
  output.copy.sort_list = "\"x\" DESC";
  output.copy.file_size_bytes = 7;
  output.columns = {"a b", "x", "ünï"};
  output.in_order = true;
  output.staging_folder = "/out/.x";
  output.tag = "1f3a";
  return output;
}

TEST(FileOutput, ComesBackAsItWas) {
  const std::string text = FormatFileOutput(Example());
  FileOutput read = ParseFileOutput(text, "x");
  EXPECT_EQ(FormatFileOutput(read), text);
  EXPECT_EQ(read.copy.partition_by, Example().copy.partition_by);
  EXPECT_EQ(read.copy.file_size_bytes, 7u);
  EXPECT_EQ(read.columns, Example().columns);
  EXPECT_TRUE(read.in_order);
  EXPECT_FALSE(read.copy.is_parquet);
}

TEST(FileOutput, RefusesWhatIsNone) {
  for (const char* text : {"", "[]", "{}", R"({"copy": {}})"}) {
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kInternal, [&] { ParseFileOutput(text, "the file"); }),
                    "'the file' does not tell which files to write");
  }
  FileOutput output = Example();
  output.staging_folder = "/\xff";
  ErrorOf(ErrorKind::kUnsupported, [&] { FormatFileOutput(output); });
}

TEST(TaskReport, KeepsTheFilesThatWereWritten) {
  TaskResult result;
  result.files = {{"a/b.parquet", 7, 100}, {"c.csv", std::nullopt, 0}};
  auto read = std::get<TaskResult>(ParseTaskReport(FormatTaskReport(result)));
  ASSERT_EQ(read.files.size(), 2u);
  EXPECT_EQ(read.files[0].name, "a/b.parquet");
  EXPECT_EQ(read.files[0].rows, 7);
  EXPECT_EQ(read.files[0].bytes, 100u);
  EXPECT_EQ(read.files[1].rows, std::nullopt);
}

}  // namespace
}  // namespace smallpond
