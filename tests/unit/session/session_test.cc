#include "smallpond/session.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "error_of.h"
#include "rows_of.h"
#include "scratch_folder.h"
#include "small_session.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

class SessionTest : public ::testing::Test {
 protected:
  Rows Read(const DataFrame& frame) { return RowsOf(session_, frame); }
  Rows Sql(const std::string& query, const SqlInputs& inputs = {}) {
    return Read(session_.Sql(query, inputs));
  }

  ScratchFolder folder_;
  Session session_ = Session::Init(SmallOptions());
};

TEST(SessionInit, FillsTheDefaultsIn) {
  Session session = Session::Init(SmallOptions());
  const Options& options = session.options();
  EXPECT_TRUE(std::regex_match(
      options.job_id,
      std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")))
      << options.job_id;
  EXPECT_TRUE(std::regex_match(options.job_time, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")))
      << options.job_time;
  EXPECT_EQ(options.threads, 2);
  EXPECT_EQ(options.executor, ExecutorKind::kDirect);
  EXPECT_NE(Session::Init(SmallOptions()).options().job_id, options.job_id);
  EXPECT_NE(Session::Init(SmallOptions()).options().temp_dir, options.temp_dir);
}

TEST(SessionInit, KeepsWhatWasGiven) {
  Options options = SmallOptions();
  options.job_id = "job-7";
  options.job_time = "2026-01-31";
  options.job_name = "nightly";
  Session session = Session::Init(options);
  EXPECT_EQ(session.options().job_id, "job-7");
  EXPECT_EQ(session.options().job_time, "2026-01-31");
  EXPECT_EQ(session.options().job_name, "nightly");
}

TEST(SessionInit, RefusesACluster) {
  auto error = [](void (*set)(Options&)) {
    Options options = SmallOptions();
    set(options);
    return ErrorOf(ErrorKind::kUnsupported, [&] { Session::Init(options); });
  };
  EXPECT_CONTAINS(error([](Options& o) { o.num_nodes = 2; }), "num_nodes=2 needs a cluster");
  EXPECT_CONTAINS(error([](Options& o) { o.num_executors = 1; }),
                  "num_executors=1 needs a cluster");
  EXPECT_CONTAINS(error([](Options& o) { o.executor = ExecutorKind::kRay; }),
                  "executor='ray' needs a cluster");
}

TEST(SessionInit, RefusesADataFolderThatIsNone) {
  Options options = SmallOptions();
  options.data_dir = "/no/such/folder";
  EXPECT_EQ(InvalidInputOf([&] { Session::Init(options); }),
            "data_dir='/no/such/folder' is not a folder. Make it, or leave data_dir out.");
}

TEST(SessionInit, SharesMemoryAmongSessionsWithoutALimit) {
  auto limit = [](Session& session) {
    return std::stoll(
        RowsOf(
            session, session.Sql("SELECT 1 AS x"),
            "SELECT replace(split_part(current_setting('memory_limit'), ' ', 1), '.', '') FROM {0}")
            [0]
                .substr(1));
  };
  Options options;
  options.threads = 1;
  Session first = Session::Init(options);
  long long alone = limit(first);
  {
    Session second = Session::Init(options);
    EXPECT_NEAR(static_cast<double>(limit(first)), static_cast<double>(alone) / 2,
                static_cast<double>(alone) / 20);
    EXPECT_EQ(limit(second), limit(first));
    second.Close();
  }
  EXPECT_EQ(limit(first), alone);
}

TEST(SessionInit, RemovesItsSpillFolderInTheEnd) {
  ScratchFolder folder;
  std::string temp_dir;
  {
    Options options;
    options.temp_dir = folder.path();
    options.threads = 2;
    options.duckdb_memory_bytes = 60'000'000;
    Session session = Session::Init(options);
    temp_dir = session.options().temp_dir;
    EXPECT_TRUE(temp_dir.starts_with(folder.path() + "/smallpond-")) << temp_dir;
    DataFrame sorted = session.Sql("SELECT * FROM range(12000000) t(i) ORDER BY hash(i)");
    HeldStream stream;
    sorted.ToArrowStream(stream.get());
    ArrowArray batch = stream.Next();
    batch.release(&batch);
    EXPECT_TRUE(std::filesystem::exists(temp_dir)) << "it spilled nothing";
  }
  EXPECT_TRUE(folder.List().empty());
}

TEST(Version, IsOfTheBuildAndOfTheLoadedDuckDB) {
  EXPECT_TRUE(std::regex_match(Version(), std::regex(R"(\d+\.\d+\.\d+(\.dev\d+)?)")));
  EXPECT_EQ(DuckDBVersion(), "v1.5.5");
}

TEST_F(SessionTest, FindsTablesInTheDocumentedOrder) {
  DataFrame given = session_.Sql("SELECT 'input' AS x"),
            found = session_.Sql("SELECT 'found' AS x");
  session_.Execute("CREATE TABLE t AS SELECT 'catalog' AS x");
  std::vector<std::string> asked;
  SqlInputs inputs;
  inputs.resolve = [&](const std::string& name) -> std::optional<DataFrame> {
    asked.push_back(name);
    return found;
  };
  EXPECT_EQ(Sql("FROM t", inputs), Rows({"(catalog)"}));
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(Sql("FROM u", inputs), Rows({"(found)"}));
  EXPECT_EQ(asked, Rows({"u"}));
  inputs.named.emplace("t", given);
  EXPECT_EQ(Sql("FROM t", inputs), Rows({"(input)"}));
  EXPECT_EQ(Sql("WITH c AS (SELECT 'cte' AS x) SELECT c.x, t.x FROM c, t", inputs),
            Rows({"(cte, input)"}));
  EXPECT_EQ(Sql("WITH t AS (SELECT x || '!' AS x FROM t) FROM t", inputs), Rows({"(input!)"}));
}

TEST_F(SessionTest, TakesInputsByNumberAndByName) {
  DataFrame one = session_.Sql("SELECT 1 AS x"), two = session_.Sql("SELECT 2 AS x");
  SqlInputs inputs{.positional = {one, two}, .named = {{"users", two}}};
  EXPECT_EQ(Sql("SELECT a.x, b.x, u.x, v.x FROM {0} a, {1} b, users u, {users} v", inputs),
            Rows({"(1, 2, 2, 2)"}));
  EXPECT_EQ(Sql("SELECT USERS.x FROM USERS", {.named = {{"users", two}}}), Rows({"(2)"}));
  EXPECT_EQ(
      InvalidInputOf([&] { Sql("FROM {2}", {.positional = {one, two}}); }),
      "The query refers to {2}, but 2 positional inputs were given. The first one is {0}.\nIn "
      "the query: FROM {2}");
  EXPECT_CONTAINS(
      InvalidInputOf([&] { Sql("FROM {99999999999999999999}", {.positional = {one}}); }),
      "positional inputs");
  EXPECT_EQ(Sql("SELECT 1", {.named = {{"users", two}}}), Rows({"(1)"})) << "nobody needs it";
  EXPECT_EQ(Sql("FROM main.users, query_table('users')", {.named = {{"users", two}}}),
            Rows({"(2, 2)"}));
  EXPECT_CONTAINS(InvalidInputOf([&] { Sql("FROM user", {.named = {{"users", two}}}); }),
                  "Table with name user does not exist. Did you mean 'users'?");
  EXPECT_CONTAINS(InvalidInputOf([&] { Sql("FROM customers"); }),
                  "Give it as an input: sql(…, customers=frame)");
}

TEST_F(SessionTest, KeepsAFramesTablesOutOfTheQueryAroundIt) {
  session_.Execute("CREATE TABLE t AS SELECT 'table' AS x; CREATE VIEW v AS SELECT 'view' AS x");
  DataFrame table = session_.Sql("SELECT t.x FROM t"), view = session_.Sql("FROM v");
  EXPECT_EQ(Sql("WITH t AS (SELECT 'cte' AS x), v AS (SELECT 'cte' AS x) SELECT * FROM {0} UNION "
                "ALL FROM {1}",
                {.positional = {table, view}}),
            Rows({"(table)", "(view)"}));
  DataFrame inner = session_.Sql("WITH t AS (SELECT 'inner' AS x) FROM t");
  EXPECT_EQ(
      Sql("WITH t AS (SELECT 'outer' AS x) SELECT a.x, t.x FROM {0} a, t", {.positional = {inner}}),
      Rows({"(inner, outer)"}));
}

TEST_F(SessionTest, BindsAQueryWhereItIsMade) {
  DataFrame frame = session_.Sql("SELECT 1 AS amount, 'x' AS name");
  EXPECT_CONTAINS(
      InvalidInputOf([&] { session_.Sql("SELECT amuont FROM {0}", {.positional = {frame}}); }),
      "Referenced column \"amuont\" not found");
  EXPECT_CONTAINS(InvalidInputOf([&] {
                    session_.Sql("SELECT amount + [1] FROM {0}", {.positional = {frame}});
                  }),
                  "No function matches");
  InvalidInputOf([&] { session_.Sql("SELECT no_such_function(1)"); });
  DataFrame derived = session_.Sql("SELECT amount * 1.5 AS a, name, [amount] AS l FROM {0}",
                                   {.positional = {frame}});
  ASSERT_EQ(derived.columns().size(), 3u);
  EXPECT_EQ(derived.columns()[0].type, "DECIMAL(12,1)");
  EXPECT_EQ(derived.columns()[2].name + " " + derived.columns()[2].type, "l INTEGER[]");
}

TEST_F(SessionTest, BindsParametersAsTypedConstants) {
  EXPECT_EQ(Sql("SELECT ?, $2, typeof($1), typeof($2)", {.params = {7, "text"}}),
            Rows({"(7, text, INTEGER, VARCHAR)"}));
  Value list = Value::List({1, 2, Value()});
  Value fields = Value::Struct({{"a", 1}, {"b", Value::Typed("2026-01-31", "DATE")}});
  EXPECT_EQ(Sql("SELECT $l, $s, typeof($l), typeof($s), $d, $b, $n, $t",
                {.named_params = {{"l", list},
                                  {"s", fields},
                                  {"d", Value::Typed("1.50", "DECIMAL(5,2)")},
                                  {"b", Value::Blob(std::string("\0\xff", 2))},
                                  {"n", Value()},
                                  {"t", true}}}),
            Rows({"([1, 2, NULL], {a: 1, b: 2026-01-31}, INTEGER[], STRUCT(a INTEGER, b DATE), "
                  "1.50, \\x00\\xFF, NULL, "
                  "true)"}));
  EXPECT_EQ(Sql("SELECT typeof(?), typeof(?)", {.params = {int64_t{1} << 40, 0.5}}),
            Rows({"(BIGINT, DOUBLE)"}));
}

TEST_F(SessionTest, ReadsFilesOfEachFormat) {
  folder_.Write("a.csv", "k,v\n1,x\n2,\n");
  folder_.Write("b.json", "{\"k\": 1, \"l\": [1, 2]}\n{\"k\": 2}\n");
  session_.Sql("SELECT i AS k, i * 2 AS w FROM range(3) t(i)")
      .WriteFile(folder_.Path("c.parquet"), "parquet");
  EXPECT_EQ(Read(session_.ReadCsv({folder_.Path("a.csv")})), Rows({"(1, x)", "(2, NULL)"}));
  EXPECT_EQ(Read(session_.ReadJson({folder_.Path("b.json")})), Rows({"(1, [1, 2])", "(2, NULL)"}));
  EXPECT_EQ(Read(session_.ReadParquet({folder_.Path("c.parquet")}, {.columns = {"w", "k"}})),
            Rows({"(0, 0)", "(2, 1)", "(4, 2)"}));
  EXPECT_EQ(session_.ReadParquet({folder_.Path("c.parquet")}).ToString(),
            "DataFrame[k BIGINT, w BIGINT]");
  CsvOptions options{.schema = {{"k", "SMALLINT"}, {"v", "VARCHAR"}}, .header = true};
  EXPECT_EQ(session_.ReadCsv({folder_.Path("a.csv")}, options).ToString(),
            "DataFrame[k SMALLINT, v VARCHAR]");
}

TEST_F(SessionTest, ReadsTextAsTheOptionsSay) {
  folder_.Write("y=1/a.csv", "1;x\nno;y\n");
  folder_.Write("y=1/b.jsonl", "{\"k\": 1}\n{\"k\":\n");
  auto csv = [&](CsvOptions options) {
    options.schema = {{"k", "INTEGER"}, {"v", "VARCHAR"}};
    return Read(session_.ReadCsv({folder_.Path("y=1/a.csv")}, options));
  };
  EXPECT_EQ(csv({.delim = ";", .ignore_errors = true}), Rows({"(1, x, 1)"}));
  EXPECT_EQ(csv({.header = true, .ignore_errors = true, .further = {{"sep", ";"}}}), Rows());
  EXPECT_EQ(csv({.delim = ";", .ignore_errors = true, .hive_partitioning = false}),
            Rows({"(1, x)"}));
  EXPECT_CONTAINS(InvalidInputOf([&] { csv({.delim = ""}); }), "delim is empty");
  EXPECT_CONTAINS(InvalidInputOf([&] { csv({.header = true, .further = {{"HEADER", true}}}); }),
                  "'header' is given twice");
  JsonOptions json{.ignore_errors = true, .hive_partitioning = false};
  EXPECT_EQ(Read(session_.ReadJson({folder_.Path("y=1")}, json)), Rows({"(1)", "(NULL)"}));
}

TEST_F(SessionTest, StartsRelativePathsAtTheDataFolder) {
  folder_.Write("in/a.csv", "k\n7\n");
  Options options = SmallOptions();
  options.data_dir = folder_.path();
  Session session = Session::Init(options);
  DataFrame frame = session.ReadCsv({"in/a.csv"});
  EXPECT_EQ(RowsOf(session, frame), Rows({"(7)"}));
  frame.WriteFile("out.csv", "csv");
  frame.WriteParquet("out");
  EXPECT_EQ(folder_.Read("out.csv"), "k\n7\n");
  EXPECT_EQ(RowsOf(session, session.ReadParquet({"out"})), Rows({"(7)"}));
}

TEST_F(SessionTest, ReadsFilesWithTheOddestNames) {
  for (const std::string name :
       {"a b.csv", "it's.csv", "a[1].csv", "what?.csv", "star*.csv", "ünï.csv", "{0}.csv",
        "a\"b.csv", "semi;colon.csv", "--.csv", "dir[x]/c.csv"}) {
    SCOPED_TRACE(name);
    folder_.Write(name, "k\n7\n");
    EXPECT_EQ(Read(session_.ReadCsv({folder_.Path(name)})), Rows({"(7)"}));
  }
}

TEST_F(SessionTest, SaysWhereAFileCannotBeRead) {
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { session_.ReadParquet({"/no/such.parquet"}); }),
                  "/no/such.parquet");
  EXPECT_CONTAINS(ErrorOf(ErrorKind::kIo, [&] { session_.ReadCsv({"/no/*.csv"}); }), "/no/*.csv");
  InvalidInputOf([&] { session_.ReadCsv({}); });
  InvalidInputOf([&] { session_.ReadCsv({""}); });
  folder_.Write("broken.parquet", "this is no parquet file");
  EXPECT_CONTAINS(
      ErrorOf(ErrorKind::kIo, [&] { session_.ReadParquet({folder_.Path("broken.parquet")}); }),
      "broken.parquet");
  folder_.Write("a.csv", "k\n7\n");
  EXPECT_CONTAINS(InvalidInputOf([&] {
                    session_.ReadCsv({folder_.Path("a.csv")}, {.further = {{"no_such_option", 1}}});
                  }),
                  "no_such_option");
}

TEST_F(SessionTest, KeepsSessionsApart) {
  Session other = Session::Init(SmallOptions());
  other.Execute("CREATE TABLE t AS SELECT 1 AS x");
  InvalidInputOf([&] { Sql("FROM t"); });
  DataFrame foreign = other.Sql("FROM t");
  EXPECT_CONTAINS(InvalidInputOf([&] { Sql("FROM {0}", {.positional = {foreign}}); }),
                  "belongs to another session");
  EXPECT_CONTAINS(InvalidInputOf([&] { Sql("FROM a", {.named = {{"a", foreign}}}); }),
                  "belongs to another session");
}

TEST_F(SessionTest, IsOverWhenClosedButItsFramesAreNot) {
  DataFrame frame = session_.Sql("SELECT 1 AS x");
  Session copy = session_;
  session_.Close();
  session_.Close();
  EXPECT_EQ(frame.Count(), 1);
  EXPECT_CONTAINS(InvalidInputOf([&] { copy.Sql("SELECT 2 AS x"); }), "The session is closed");
  const std::string closed = "The session is closed. Open one with init().";
  EXPECT_EQ(InvalidInputOf([&] { session_.Sql("SELECT 1"); }), closed);
  EXPECT_EQ(InvalidInputOf([&] { session_.PartialSql("SELECT 1"); }), closed);
  EXPECT_EQ(InvalidInputOf([&] { session_.ReadParquet({"x"}); }), closed);
  EXPECT_EQ(InvalidInputOf([&] { session_.ReadCsv({"x"}); }), closed);
  EXPECT_EQ(InvalidInputOf([&] { session_.ReadJson({"x"}); }), closed);
  EXPECT_EQ(InvalidInputOf([&] { session_.Execute("SET threads = 1"); }), closed);
  EXPECT_EQ(InvalidInputOf([&] { session_.options(); }), closed);
}

TEST_F(SessionTest, GivesErrorsTheirKinds) {
  InvalidInputOf([&] { Sql("SELECT ('x' || i)::INT AS x FROM range(3) t(i)"); });
  ErrorOf(ErrorKind::kUnsupported, [&] { session_.Sql("DROP TABLE t"); });
  Options options;
  options.threads = 1;
  options.duckdb_memory_bytes = 30'000'000;
  options.temp_dir = folder_.path();
  Session small = Session::Init(options);
  small.Execute("SET max_temp_directory_size = '1MB'");
  std::string message = ErrorOf(ErrorKind::kOutOfMemory, [&] {
    HeldStream stream;
    small.Sql("SELECT i, count(*) FROM range(20000000) t(i) GROUP BY i").Collect(stream.get());
  });
  EXPECT_CONTAINS(message, "While computing sql: SELECT i");
}

TEST_F(SessionTest, ExecutesWhatSetsItUp) {
  session_.Execute(
      "CREATE TABLE t (x INT); INSERT INTO t VALUES (1), (2); CREATE MACRO twice(n) AS n * 2");
  EXPECT_EQ(Sql("SELECT twice(x) AS y FROM t"), Rows({"(2)", "(4)"}));
  session_.Execute("CREATE TYPE mood AS ENUM ('sad', 'glad')");
  EXPECT_EQ(Sql("SELECT 'glad'::mood AS m"), Rows({"(glad)"}));
  DataFrame input = session_.Sql("SELECT 7 AS x");
  session_.Execute("INSERT INTO t SELECT x + ? FROM {0}", {.positional = {input}, .params = {1}});
  EXPECT_EQ(Sql("SELECT max(x) AS x FROM t"), Rows({"(8)"}));
  session_.Execute("SET VARIABLE v = 5");
  EXPECT_EQ(Sql("SELECT getvariable('v') AS v"), Rows({"(5)"}));
  ErrorOf(ErrorKind::kUnsupported, [&] { session_.Execute("SELECT 1"); });
  ErrorOf(ErrorKind::kUnsupported, [&] { session_.Execute("BEGIN"); });
  ErrorOf(ErrorKind::kUnsupported,
          [&] { session_.Execute("COPY t TO '" + folder_.Path("x.csv") + "'"); });
  InvalidInputOf([&] { session_.Execute("CREATE TABLE t (x INT)"); });
  InvalidInputOf([&] { session_.Execute(""); });
}

}  // namespace
}  // namespace smallpond
