#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "cli/run.h"
#include "error_of.h"
#include "scratch_folder.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

// Sends a file descriptor to a file while it lives.
class Redirected {
 public:
  Redirected(int descriptor, const std::string& path, int flags) : descriptor_(descriptor) {
    Flush();
    saved_ = dup(descriptor);
    int file = open(path.c_str(), O_WRONLY | O_CREAT | flags, 0644);
    EXPECT_GE(file, 0) << path;
    dup2(file, descriptor);
    close(file);
  }
  ~Redirected() {
    Flush();
    dup2(saved_, descriptor_);
    close(saved_);
  }

 private:
  static void Flush() {
    std::cout.flush();
    std::cout.clear();
    std::fflush(nullptr);
  }
  int descriptor_;
  int saved_;
};

class CommandLine : public ::testing::Test {
 protected:
  CommandLine() {
    setenv("SP_THREADS", "2", 1);
    setenv("SP_DUCKDB_MEMORY", "256MB", 1);
  }
  ~CommandLine() override {
    unsetenv("SP_THREADS");
    unsetenv("SP_DUCKDB_MEMORY");
  }

  // Runs a command and returns its exit status; out_ and error_ are what it printed.
  int Run(std::vector<std::string> arguments) {
    int status = RunTo(folder_.Path("stdout"), O_TRUNC, std::move(arguments));
    out_ = folder_.Read("stdout");
    return status;
  }
  int RunTo(const std::string& out, int flags, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "smallpond");
    std::vector<const char*> argv;
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    int status = 0;
    {
      Redirected to_out(STDOUT_FILENO, out, flags),
          to_error(STDERR_FILENO, folder_.Path("stderr"), O_TRUNC);
      status = RunCommandLine(static_cast<int>(argv.size()), argv.data());
    }
    error_ = folder_.Read("stderr");
    return status;
  }

  ScratchFolder folder_;
  std::string out_, error_;
};

TEST_F(CommandLine, TellsItsVersion) {
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_EQ(out_, std::string("smallpond ") + Version() + " (DuckDB " + DuckDBVersion() + ")\n");
  EXPECT_EQ(error_, "");
}

TEST_F(CommandLine, HelpsWithEveryOption) {
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_CONTAINS(out_, "sql");
  EXPECT_EQ(Run({"sql", "--help"}), 0);
  for (const char* option :
       {"--input", "--format", "--output", "--rows", "--explain", "--threads", "--duckdb-memory",
        "--data-dir", "--temp-dir", "--executor", "--num-executors"})
    EXPECT_CONTAINS(out_, option);
}

TEST_F(CommandLine, GivesAWrongCommandLineStatus2) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"nope"},
      {"--nope"},
      {"sql"},
      {"sql", "SELECT 1", "--nope"},
      {"sql", "SELECT 1", "SELECT 2"},
      {"sql", "SELECT 1", "--format", "xml"},
      {"sql", "SELECT 1", "--format"},
      {"sql", "SELECT 1", "--rows", "0"},
      {"sql", "SELECT 1", "--rows", "many"},
  };
  for (const auto& arguments : wrong) {
    SCOPED_TRACE(arguments.empty() ? "none" : arguments.back());
    EXPECT_EQ(Run(arguments), 2);
    EXPECT_EQ(out_, "");
    EXPECT_CONTAINS(error_, "--help");
  }
}

TEST_F(CommandLine, ShowsATable) {
  EXPECT_EQ(Run({"sql", "SELECT 1 AS n, 'x' AS t UNION ALL SELECT 2, NULL ORDER BY n"}), 0);
  EXPECT_EQ(error_, "");
  EXPECT_CONTAINS(out_, "│   n   │    t    │");
  EXPECT_CONTAINS(out_, "│     1 │ x       │");
  EXPECT_CONTAINS(out_, "│     2 │ NULL    │");
}

TEST_F(CommandLine, ShowsAsManyRowsAsAsked) {
  EXPECT_EQ(Run({"sql", "SELECT i + 1000 AS i FROM range(100) t(i)", "--rows", "4"}), 0);
  EXPECT_CONTAINS(out_, "1000");
  EXPECT_CONTAINS(out_, "1099");
  EXPECT_LACKS(out_, "1050");
  EXPECT_CONTAINS(out_, "100 rows");
}

TEST_F(CommandLine, PrintsCsvAndJson) {
  EXPECT_EQ(
      Run({"sql", "SELECT 1 AS n, 'a,\"b' AS t UNION ALL SELECT 2, NULL ORDER BY n", "-f", "csv"}),
      0);
  EXPECT_EQ(out_, "n,t\n1,\"a,\"\"b\"\n2,\n");
  EXPECT_EQ(
      Run({"sql", "SELECT 1 AS n, 'a' AS t UNION ALL SELECT 2, NULL ORDER BY n", "-f", "json"}), 0);
  EXPECT_EQ(out_, "{\"n\":1,\"t\":\"a\"}\n{\"n\":2,\"t\":null}\n");
  EXPECT_EQ(error_, "");
}

TEST_F(CommandLine, PrintsBehindWhatAFileHolds) {
  folder_.Write("log", "before\n");
  EXPECT_EQ(RunTo(folder_.Path("log"), O_APPEND, {"sql", "SELECT 1 AS n", "-f", "csv"}), 0);
  EXPECT_EQ(folder_.Read("log"), "before\nn\n1\n");
  EXPECT_EQ(RunTo(folder_.Path("log"), O_APPEND, {"sql", "SELECT 2 AS n", "-f", "json"}), 0);
  EXPECT_EQ(folder_.Read("log"), "before\nn\n1\n{\"n\":2}\n");
}

TEST_F(CommandLine, TellsThatItCouldNotPrint) {
  for (const std::string format : {"table", "csv", "json"}) {
    SCOPED_TRACE(format);
    EXPECT_EQ(RunTo("/dev/full", 0, {"sql", "SELECT 1 AS n", "-f", format}), 1);
    EXPECT_CONTAINS(error_, "smallpond: Writing to standard output failed");
  }
}

TEST_F(CommandLine, PrintsMuch) {
  EXPECT_EQ(Run({"sql", "FROM range(300000)", "-f", "csv"}), 0);
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 300'001);
  EXPECT_TRUE(out_.ends_with("\n299999\n"));
}

TEST_F(CommandLine, WritesAFileInTheFormatThatItsNameTells) {
  const std::string query = "SELECT i AS n FROM range(3) t(i)";
  for (const std::string name : {"x.csv", "x.json", "x.jsonl", "x.ndjson", "x.parquet"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(Run({"sql", query, "--output", folder_.Path(name)}), 0);
    EXPECT_EQ(out_ + error_, "");
  }
  EXPECT_EQ(folder_.Read("x.csv"), "n\n0\n1\n2\n");
  EXPECT_EQ(folder_.Read("x.json"), "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n");
  EXPECT_EQ(folder_.Read("x.jsonl"), folder_.Read("x.json"));
  EXPECT_EQ(folder_.Read("x.ndjson"), folder_.Read("x.json"));
  EXPECT_EQ(folder_.Read("x.parquet").substr(0, 4), "PAR1");
  EXPECT_EQ(Run({"sql", query, "-f", "csv", "-o", folder_.Path("x.txt")}), 0);
  EXPECT_EQ(folder_.Read("x.txt"), folder_.Read("x.csv"));
}

TEST_F(CommandLine, ReadsNamedInputsOfAllFormats) {
  folder_.Write("in/a.csv", "k,v\n1,x\n2,y\n");
  folder_.Write("b.jsonl", "{\"k\":1,\"w\":10}\n{\"k\":2,\"w\":20}\n");
  EXPECT_EQ(Run({"sql", "SELECT 3 AS k, 'three' AS name UNION ALL SELECT 2, 'two'", "-o",
                 folder_.Path("c.parquet")}),
            0);
  EXPECT_EQ(
      Run({"sql", "SELECT k, v, w, name FROM a JOIN b USING (k) LEFT JOIN c USING (k) ORDER BY k",
           "-i", "a=" + folder_.Path("in/*.csv"), "--input", "b=" + folder_.Path("b.jsonl"), "-i",
           "c=" + folder_.Path("c.parquet"), "-f", "csv"}),
      0)
      << error_;
  EXPECT_EQ(out_, "k,v,w,name\n1,x,10,\n2,y,20,two\n");
}

TEST_F(CommandLine, StartsRelativeInputsAtTheDataFolder) {
  folder_.Write("in/a.csv", "k\n7\n");
  EXPECT_EQ(Run({"sql", "FROM a", "-i", "a=in/a.csv", "--data-dir", folder_.path(), "-f", "csv"}),
            0)
      << error_;
  EXPECT_EQ(out_, "k\n7\n");
}

TEST_F(CommandLine, ReadsFilesThatTheQueryNames) {
  folder_.Write("a.csv", "k\n7\n");
  EXPECT_EQ(Run({"sql", "SELECT k + 1 AS n FROM '" + folder_.Path("a.csv") + "'", "-f", "csv"}), 0)
      << error_;
  EXPECT_EQ(out_, "n\n8\n");
}

TEST_F(CommandLine, ExplainsAndRunsNothing) {
  EXPECT_EQ(Run({"sql", "SELECT error('ran') AS x FROM range(3)", "--explain"}), 0);
  EXPECT_CONTAINS(out_, "direct: one DuckDB in this process, 2 threads, 256 MB of memory");
  EXPECT_CONTAINS(out_, "sql: SELECT error('ran') AS x FROM range(3)");
  EXPECT_CONTAINS(out_, "PROJECTION");
}

TEST_F(CommandLine, SetsOptions) {
  EXPECT_EQ(Run({"sql", "SELECT current_setting('threads') AS n", "--threads", "1",
                 "--duckdb-memory", "128MB", "--explain"}),
            0);
  EXPECT_CONTAINS(out_, "1 thread, 128 MB of memory");
  EXPECT_EQ(Run({"sql", "SELECT 1", "--threads", "none"}), 1);
  EXPECT_CONTAINS(error_, "threads must be a whole number, not 'none'.");
}

TEST_F(CommandLine, GivesAnErrorStatus1AndItsText) {
  struct Case {
    std::vector<std::string> arguments;
    std::string text;
  };
  const std::vector<Case> cases = {
      {{"sql", "SELEC 1"}, "smallpond: Parser Error: syntax error at or near \"SELEC\""},
      {{"sql", "SELECT nope FROM range(3)"}, "nope"},
      {{"sql", "SELECT error('inside') AS x"}, "inside"},
      {{"sql", "SELECT error('inside') AS x", "-f", "csv"}, "inside"},
      {{"sql", "FROM missing"}, "missing"},
      {{"sql", "CREATE TABLE t (a INT)"}, "is not a query"},
      {{"sql", "FROM a", "-i", "a=/no/such/file.csv"}, "/no/such/file.csv"},
      {{"sql", "FROM a", "-i", "nonsense"}, "--input must be name=path, not 'nonsense'."},
      {{"sql", "FROM a", "-i", "=path"}, "--input must be name=path, not '=path'."},
      {{"sql", "SELECT 1", "-f", "parquet"}, "Give a file"},
      {{"sql", "SELECT 1", "-o", "somewhere.txt"}, "--output needs --format csv, json or parquet."},
      {{"sql", "SELECT 1", "-o", "/dev/null/folder/x.csv"}, "/dev/null/folder"},
  };
  for (const auto& [arguments, text] : cases) {
    SCOPED_TRACE(arguments.back());
    EXPECT_EQ(Run(arguments), 1);
    EXPECT_CONTAINS(error_, text);
    EXPECT_TRUE(error_.starts_with("smallpond: ")) << error_;
    EXPECT_EQ(out_, "");
  }
}

TEST_F(CommandLine, LeavesAnEarlierFileWhereTheQueryFails) {
  folder_.Write("x.csv", "mine\n");
  EXPECT_EQ(
      Run({"sql", "SELECT CASE WHEN i = 99999 THEN error('late') END AS x FROM range(100000) t(i)",
           "-o", folder_.Path("x.csv")}),
      1);
  EXPECT_EQ(folder_.Read("x.csv"), "mine\n");
  EXPECT_EQ(folder_.List(), std::vector<std::string>({"stderr", "stdout", "x.csv"}));
}

}  // namespace
}  // namespace smallpond
