// Queries cut into stages and run task after task, without a scheduler, against the same DuckDB in
// one piece.

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "duckdb_adapter/connection/read_transaction.h"
#include "error_of.h"
#include "run_stages.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

constexpr int kMaxRows = 100'000;

// How a query is cut.
struct Cut {
  int partitions = 1;
  double broadcast_bytes = 0;
};

void PrintTo(const Cut& cut, std::ostream* out) {
  *out << cut.partitions << " partitions, broadcast up to " << cut.broadcast_bytes << " bytes";
}

class Stages : public testing::TestWithParam<Cut> {
 protected:
  Stages() : database_(Limits()) { PrepareForStages(database_); }

  void SetUp() override {
    connection_ = Connect();
    std::filesystem::create_directories(folder_.path() + "/facts");
    for (int file = 0; file < 4; ++file) {
      Run("COPY (SELECT i AS id, CASE WHEN i % 11 = 0 THEN NULL ELSE i % 23 END AS k, "
          "i % 7 AS kind, i / 3.0 AS d, (i % 1000)::DECIMAL(12, 2) AS amount, 'n' || i % 13 AS "
          "name "
          "FROM range(" +
          std::to_string(file * 1000) + ", " + std::to_string(file * 1000 + 1000) +
          ") AS t(i)) TO '" + folder_.path() + "/facts/" + std::to_string(file) + ".parquet'");
    }
    Run("COPY (SELECT i AS k, 'label ' || i AS label FROM range(5, 40) AS t(i)) TO '" +
        folder_.path() + "/keys.parquet'");
  }

  static DatabaseLimits Limits() {
    DatabaseLimits limits;
    limits.threads = 2;
    limits.memory_bytes = 1'000'000'000;
    return limits;
  }

  std::unique_ptr<Connection> Connect() { return std::make_unique<Connection>(database_); }
  void Run(const std::string& sql) { connection_->Run(Statement::Parse(sql)); }

  Statement Parse(const std::string& sql) const {
    Statement query = Statement::ParseQuery(sql);
    query.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
      if (name != "facts" && name != "keys") return std::nullopt;
      std::string files = name == "facts" ? "/facts/*.parquet" : "/keys.parquet";
      return Statement::ParseQuery("FROM read_parquet('" + folder_.path() + files + "')");
    });
    return query;
  }

  StagePlan Plan(const std::string& sql) {
    StageOptions options;
    options.slots = GetParam().partitions;
    options.partitions = GetParam().partitions;
    options.broadcast_bytes = GetParam().broadcast_bytes;
    options.split.exactly = GetParam().partitions;
    const ScanDivision::Connect connect = [this] { return Connect(); };
    StagePlanner planner(*connection_, connect, options);
    return planner.Finish(Parse(sql));
  }

  std::vector<std::string> InStages(const std::string& sql) {
    StagePlan plan = Plan(sql);
    Worker worker([this] { return Connect(); });
    std::string job = folder_.path() + "/job-" + std::to_string(num_jobs_++);
    return Lines(RunStagesInOrder(*connection_, plan, worker, job));
  }

  std::vector<std::string> InOnePiece(const std::string& sql) { return Lines(Parse(sql)); }

  std::vector<std::string> Lines(Statement query) {
    std::istringstream text(connection_->RenderText(std::move(query), kMaxRows, 1000, kMaxRows + 1,
                                                    [] { return std::string(); }));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  ScratchFolder folder_;
  Database database_;
  std::unique_ptr<Connection> connection_;
  int num_jobs_ = 0;
};

const std::vector<std::string>& Queries() {
  static const std::vector<std::string> queries = {
      "SELECT id, k FROM facts WHERE id % 100 = 3",
      "SELECT count(*), sum(id), round(avg(d), 6), avg(amount), min(name), max(k), "
      "round(stddev(d), 6) FROM facts",
      "SELECT count(*), sum(id), round(avg(d), 6) FROM facts WHERE id < 0",
      "SELECT kind, count(*), sum(amount), avg(amount), round(var_pop(d), 6) FROM facts GROUP BY "
      "kind",
      "SELECT k, count(DISTINCT name), sum(id), count(k) FROM facts GROUP BY k",
      "SELECT count(DISTINCT name), sum(id) FROM facts",
      "SELECT kind, count(DISTINCT name), count(DISTINCT k), median(id) FROM facts GROUP BY kind",
      "SELECT DISTINCT k, kind FROM facts",
      "SELECT * FROM facts JOIN keys USING (k)",
      "SELECT id, label FROM facts LEFT JOIN keys USING (k)",
      "SELECT id, label FROM facts RIGHT JOIN keys ON facts.k = keys.k AND id % 2 = 0",
      "SELECT id, label FROM facts FULL JOIN keys USING (k)",
      "SELECT id FROM facts WHERE k IN (SELECT k FROM keys)",
      "SELECT id FROM facts WHERE k NOT IN (SELECT k FROM keys)",
      "SELECT label FROM keys WHERE k NOT IN (SELECT k FROM facts)",
      "SELECT id, k IN (SELECT k FROM keys) AS known FROM facts",
      "SELECT label FROM keys WHERE NOT EXISTS (FROM facts WHERE facts.k = keys.k AND kind = 3)",
      "SELECT id FROM facts f WHERE amount > (SELECT avg(amount) FROM facts g WHERE g.kind = "
      "f.kind)",
      "SELECT label, (SELECT max(id) FROM facts WHERE facts.k = keys.k) AS last FROM keys",
      "SELECT a.kind, count(*) FROM facts a JOIN facts b ON a.id = b.id + 1 GROUP BY a.kind",
      "WITH t AS MATERIALIZED (SELECT kind, sum(id) AS s FROM facts GROUP BY kind) "
      "SELECT * FROM t a JOIN t b ON a.kind = b.kind + 1",
      "SELECT id FROM facts UNION ALL SELECT k FROM keys UNION ALL SELECT 7",
      "SELECT k FROM facts UNION SELECT k FROM keys",
      "SELECT k FROM facts EXCEPT SELECT k FROM keys",
      "SELECT id, name FROM facts ORDER BY name DESC, id LIMIT 10 OFFSET 3",
      "SELECT count(*) FROM (SELECT id FROM facts LIMIT 100)",
      "SELECT kind, k, count(*) FROM facts GROUP BY ROLLUP (kind, k)",
      "SELECT id, row_number() OVER (PARTITION BY kind ORDER BY id) AS n FROM facts WHERE id < 500",
      "SELECT count(*) FROM facts, keys WHERE facts.id < keys.k",
      "SELECT x, count(*) FROM facts, (VALUES (1), (2)) AS v(x) WHERE kind = x GROUP BY x",
      "SELECT 1 AS one, 2 AS one",
  };
  return queries;
}

TEST_P(Stages, GiveTheAnswerOfOnePiece) {
  for (const auto& sql : Queries()) {
    SCOPED_TRACE(sql);
    EXPECT_EQ(InStages(sql), InOnePiece(sql));
  }
}

TEST_P(Stages, AreSharedByAsManyTasksAsThereArePartitions) {
  StagePlan plan = Plan("SELECT kind, sum(id) FROM facts GROUP BY kind");
  int partitions = GetParam().partitions;
  size_t stages = partitions == 1 ? 1 : 2;
  ASSERT_EQ(plan.graph.stages.size(), stages);
  EXPECT_EQ(plan.graph.stages.back().num_tasks, partitions);
  if (partitions == 1) return;
  EXPECT_EQ(plan.graph.stages[1].inputs[0].kind, ExchangeKind::kHash);
}

TEST_P(Stages, AreNotMadeOfWhatOnlyThisProcessHas) {
  Run("CREATE SEQUENCE numbers");
  for (const std::string sql :
       {"SELECT nextval('numbers') FROM facts", "SELECT * FROM facts POSITIONAL JOIN keys"}) {
    EXPECT_EQ(ErrorOf(ErrorKind::kUnsupported, [&] { Plan(sql); }).empty(), false) << sql;
  }
}

TEST_P(Stages, ReadTablesOfThisProcess) {
  // Small and large, with and without a filter that DuckDB pushes into the scan.
  Run("CREATE TABLE here AS SELECT i % 23 AS k, 'h' || i AS h FROM range(200000) t(i)");
  Run("CREATE TABLE few AS SELECT 3 AS k UNION ALL SELECT NULL");
  for (const std::string sql :
       {"SELECT k, count(*), min(h) FROM here GROUP BY k",
        "SELECT label, count(*) FROM here JOIN keys USING (k) WHERE h < 'h5' GROUP BY label",
        "SELECT id FROM facts WHERE k IN (FROM few)", "SELECT h FROM here LIMIT 3 OFFSET 100000",
        "SELECT count(*) FROM (SELECT k FROM here UNION ALL SELECT k FROM facts)",
        "WITH c AS MATERIALIZED (SELECT k, count(*) n FROM here GROUP BY k) SELECT a.k, b.n FROM "
        "c a JOIN c b USING (k) JOIN few USING (k)"}) {
    ReadTransaction transaction(*connection_);
    EXPECT_EQ(InStages(sql), InOnePiece(sql)) << sql;
  }
}

TEST_P(Stages, RunAQueryOnEachPartition) {
  const int n = 5;
  StageOptions options;
  options.slots = options.partitions = GetParam().partitions;
  options.broadcast_bytes = GetParam().broadcast_bytes;
  options.split.exactly = GetParam().partitions;
  const ScanDivision::Connect connect = [this] { return Connect(); };
  StagePlanner planner(*connection_, connect, options);
  QueryCutter& cutter = planner.cutter();
  using Readers = QueryCutter::Readers;
  int facts = cutter.CutByNumber(Parse("SELECT id, k, id % 5 AS p FROM facts"), n);
  int even = cutter.CutEvenly(Parse("SELECT id FROM facts"), n);
  int keys = cutter.CutWhole(Parse("SELECT k, label FROM keys"));
  auto over = [](const std::string& sql, const Statement& rows) { return SqlOver(sql, rows); };
  Statement joined = over(
      "SELECT id % 5 AS p, count(*) AS n, count(DISTINCT label) AS labels FROM "
      "\"{0}\" LEFT JOIN keys USING (k) GROUP BY ALL",
      cutter.RowsOf(facts, Readers::kByPartition));
  joined.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
    if (name != "keys") return std::nullopt;
    return cutter.RowsOf(keys, Readers::kEveryTask);
  });
  int counts = cutter.CutPerPartition(joined);
  int sizes = cutter.CutPerPartition(
      over("SELECT count(*) AS n FROM \"{0}\"", cutter.RowsOf(even, Readers::kByPartition)));
  Statement all = over(
      "SELECT p, n, labels FROM \"{0}\" UNION ALL SELECT NULL, sum(n)::BIGINT, "
      "count(*) FROM sizes",
      cutter.RowsOf(counts, Readers::kSomeTask));
  all.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
    if (name != "sizes") return std::nullopt;
    return cutter.RowsOf(sizes, Readers::kSomeTask);
  });
  StagePlan plan = planner.Finish(all);
  Worker worker(connect);
  auto found = Lines(RunStagesInOrder(*connection_, plan, worker, folder_.path() + "/parts"));
  EXPECT_EQ(found, InOnePiece("SELECT id % 5 AS p, count(*) AS n, count(DISTINCT label) AS labels "
                              "FROM facts LEFT JOIN keys USING (k) GROUP BY ALL UNION ALL SELECT "
                              "NULL, count(*), 5 FROM facts"));
}

TEST_P(Stages, AreRefusedWhereTheyWouldKeepTooManyPiecesApart) {
  const int n = 5;
  StageOptions options;
  options.slots = options.partitions = GetParam().partitions;
  options.split.exactly = GetParam().partitions;
  options.max_pieces = 19;
  const ScanDivision::Connect connect = [this] { return Connect(); };
  StagePlanner planner(*connection_, connect, options);
  QueryCutter& cutter = planner.cutter();
  int facts = cutter.CutByNumber(Parse("SELECT id, id % 5 AS p FROM facts"), n);
  Statement counts = SqlOver("SELECT count(*) AS n FROM \"{0}\"",
                             cutter.RowsOf(facts, QueryCutter::Readers::kByPartition));
  auto finish = [&] { planner.FinishPerPartition(counts); };
  if (GetParam().partitions * n < 20) {
    finish();
  } else {
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kInvalidInput, finish), "at most 19 are kept apart");
  }
}

INSTANTIATE_TEST_SUITE_P(Cuts, Stages,
                         testing::Values(Cut{1, 0}, Cut{4, 0}, Cut{4, 1e9}, Cut{7, 0}));

}  // namespace
}  // namespace smallpond
