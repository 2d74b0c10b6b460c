#include "plan/partition_sql.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "action/plan_run.h"
#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/connection/database.h"
#include "error_of.h"

namespace smallpond {
namespace {

class PartitionSql : public ::testing::Test {
 protected:
  PartitionSql() : database_({256'000'000, 1, ""}), connection_(database_) {}

  PlanRef Rows(const std::string& query) {
    Statement statement = Statement::ParseQuery(query);
    Schema schema = connection_.Bind(statement);
    return std::make_shared<LogicalPlan>(SqlQuery(std::move(statement)), std::move(schema),
                                         Partitioning{});
  }

  // The single number of a query over the rows of `plan`, where "p" is the number of the partition.
  int64_t Ask(const std::string& select, const PlanRef& plan, int n,
              const RepartitionOptions& options) {
    PlanRef spread = PlanRepartition(plan, n, options);
    std::string p = PartitionExpression(std::get<Repartition>(spread->op()), n);
    Statement rows =
        SqlOver("SELECT *, " + p + " AS p FROM \"{0}\"", PlanRun(connection_).Query(plan));
    return connection_.QueryInt64(SqlOver("SELECT " + select + " FROM \"{0}\"", rows));
  }

  // The partition of one value of column k.
  int64_t PartitionOf(const std::string& value, int n = 1009) {
    return Ask("max(p)", Rows("SELECT " + value + " AS k"), n, {.hash_by = {"k"}});
  }

  Database database_;
  Connection connection_;
};

TEST_F(PartitionSql, HashesEqualNumbersOfAllTypesAlike) {
  const std::vector<std::string> integers = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"};
  const std::vector<std::string> naturals = {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                                             "UHUGEINT"};
  const std::vector<std::string> fractions = {"FLOAT", "DOUBLE", "DECIMAL(9,2)", "DECIMAL(38,4)"};
  for (const std::string number : {"0", "1", "-1", "100", "-100"}) {
    int64_t expected = PartitionOf("(" + number + ")::BIGINT");
    auto check = [&](const std::vector<std::string>& types) {
      for (const auto& type : types)
        EXPECT_EQ(PartitionOf("(" + number + ")::" + type), expected) << number << "::" << type;
    };
    check(integers);
    check(fractions);
    if (number[0] != '-') check(naturals);
  }
  EXPECT_EQ(PartitionOf("true"), PartitionOf("1::BIGINT"));
  EXPECT_EQ(PartitionOf("-0.0::DOUBLE"), PartitionOf("0::BIGINT"));
}

TEST_F(PartitionSql, HashesLargeNumbersOfAllTypesAlike) {
  for (const std::string number :
       {"2147483648", "-2147483649", "9007199254740993", "9000000000000000001",
        "9223372036854775807", "-9223372036854775808", "-9223372036854775807"}) {
    int64_t expected = PartitionOf("'" + number + "'::BIGINT");
    EXPECT_EQ(PartitionOf("'" + number + "'::HUGEINT"), expected) << number;
    EXPECT_EQ(PartitionOf("'" + number + "'::DECIMAL(38,2)"), expected) << number;
    if (number[0] != '-') {
      EXPECT_EQ(PartitionOf("'" + number + "'::UBIGINT"), expected) << number;
      EXPECT_EQ(PartitionOf("'" + number + "'::UHUGEINT"), expected) << number;
    }
  }
  for (const std::string number : {"9223372036854775808", "18446744073709551615"}) {
    EXPECT_EQ(PartitionOf("'" + number + "'::UBIGINT"), PartitionOf("'" + number + "'::HUGEINT"))
        << number;
    EXPECT_EQ(PartitionOf("'" + number + "'::UHUGEINT"), PartitionOf("'" + number + "'::HUGEINT"))
        << number;
  }
  EXPECT_EQ(PartitionOf("0.5::DECIMAL(3,1)"), PartitionOf("0.5::DOUBLE"));
  EXPECT_EQ(PartitionOf("0.5::FLOAT"), PartitionOf("0.5::DOUBLE"));
  EXPECT_EQ(PartitionOf("4611686018427387904::DOUBLE"), PartitionOf("4611686018427387904::BIGINT"));
  EXPECT_EQ(PartitionOf("1e300::DOUBLE"), PartitionOf("1e300::DOUBLE * 1"));
  EXPECT_EQ(PartitionOf("'nan'::DOUBLE"), PartitionOf("'-nan'::FLOAT"));
}

TEST_F(PartitionSql, HashesEqualTimesAndTextsAlike) {
  int64_t expected = PartitionOf("DATE '2026-01-31'");
  EXPECT_EQ(PartitionOf("TIMESTAMP '2026-01-31 00:00:00'"), expected);
  EXPECT_EQ(PartitionOf("TIMESTAMP_S '2026-01-31 00:00:00'"), expected);
  EXPECT_EQ(PartitionOf("TIMESTAMP_MS '2026-01-31 00:00:00'"), expected);
  EXPECT_EQ(PartitionOf("TIMESTAMP_NS '2026-01-31 00:00:00'"), expected);
  EXPECT_EQ(PartitionOf("TIMESTAMPTZ '2026-01-31 01:00:00+01'"), expected);
  EXPECT_EQ(PartitionOf("'b'::ENUM('a', 'b')"), PartitionOf("'b'"));
}

TEST_F(PartitionSql, SpreadsAndTakesNullOfEveryType) {
  for (const std::string type : {"BOOLEAN",
                                 "TINYINT",
                                 "SMALLINT",
                                 "INTEGER",
                                 "BIGINT",
                                 "HUGEINT",
                                 "UTINYINT",
                                 "USMALLINT",
                                 "UINTEGER",
                                 "UBIGINT",
                                 "UHUGEINT",
                                 "FLOAT",
                                 "DOUBLE",
                                 "DECIMAL(4,1)",
                                 "DECIMAL(38,0)",
                                 "VARCHAR",
                                 "BLOB",
                                 "BIT",
                                 "UUID",
                                 "DATE",
                                 "TIME",
                                 "TIMETZ",
                                 "TIMESTAMP",
                                 "TIMESTAMP_S",
                                 "TIMESTAMP_MS",
                                 "TIMESTAMP_NS",
                                 "TIMESTAMPTZ",
                                 "INTERVAL",
                                 "ENUM('1', '2')",
                                 "JSON",
                                 "INTEGER[]",
                                 "INTEGER[2]",
                                 "DECIMAL(4,1)[]",
                                 "TIMESTAMP[]",
                                 "DATE[]",
                                 "DOUBLE[]",
                                 "ENUM('1', '2')[]",
                                 "STRUCT(a INTEGER, b TIMESTAMP[])",
                                 "MAP(VARCHAR, DECIMAL(4,1))",
                                 "UNION(a INTEGER, b VARCHAR)"}) {
    SCOPED_TRACE(type);
    PlanRef rows = Rows("SELECT NULL::" + type + " AS k FROM range(3)");
    EXPECT_EQ(Ask("count(DISTINCT p) * 1000 + count(p)", rows, 7, {.hash_by = {"k"}}), 1003);
  }
}

TEST_F(PartitionSql, HashesTheOddestValues) {
  for (const std::string value :
       {"'infinity'::DATE", "'-infinity'::TIMESTAMP", "'infinity'::TIMESTAMPTZ",
        "'5000000-01-01'::DATE", "'4000-01-01 (BC)'::DATE", "'inf'::DOUBLE", "'-inf'::FLOAT", "''",
        "'\\x00'::BLOB", "[]", "[NULL]", "{'a': NULL}", "'290000-01-01'::TIMESTAMP",
        "'99999999999999999999999999999999999999'::DECIMAL(38,0)",
        "170141183460469231731687303715884105727::HUGEINT"}) {
    SCOPED_TRACE(value);
    EXPECT_LT(PartitionOf(value, 5), 5);
  }
}

TEST_F(PartitionSql, KeepsEqualValuesThatLookDifferentTogether) {
  EXPECT_EQ(PartitionOf("INTERVAL 1 MONTH"), PartitionOf("INTERVAL 30 DAY"));
  EXPECT_EQ(PartitionOf("INTERVAL 1 DAY"), PartitionOf("INTERVAL 24 HOUR"));
  EXPECT_EQ(PartitionOf("[0.0::DOUBLE]"), PartitionOf("[-0.0::DOUBLE]"));
}

TEST_F(PartitionSql, HashesSeveralColumnsByTheirOrder) {
  PlanRef rows = Rows("SELECT i % 10 AS a, i // 10 AS b, i // 10 AS same FROM range(100) t(i)");
  EXPECT_EQ(Ask("count(DISTINCT p)", rows, 7, {.hash_by = {"a", "b"}}), 7);
  EXPECT_EQ(
      Ask("max(p)", Rows("SELECT 1 AS a, 2 AS b"), 1009, {.hash_by = {"a", "b"}}),
      Ask("max(p)", Rows("SELECT 1::DOUBLE AS x, 2::TINYINT AS y"), 1009, {.hash_by = {"x", "y"}}));
  EXPECT_NE(Ask("max(p)", Rows("SELECT 1 AS a, 2 AS b"), 1009, {.hash_by = {"a", "b"}}),
            Ask("max(p)", Rows("SELECT 1 AS a, 2 AS b"), 1009, {.hash_by = {"b", "a"}}));
}

TEST_F(PartitionSql, SpreadsEvenlyToWithinOneRow) {
  PlanRef rows = Rows("SELECT i FROM range(101) t(i)");
  for (int n : {1, 2, 7, 100, 101, 200}) {
    for (bool by_rows : {false, true}) {
      SCOPED_TRACE(n);
      int64_t parts = std::min(n, 101);
      EXPECT_EQ(Ask("count(DISTINCT p)", rows, n, {.by_rows = by_rows}), parts);
      std::string sizes = "map_values(histogram(p))";
      EXPECT_LE(
          Ask("list_max(" + sizes + ") - list_min(" + sizes + ")", rows, n, {.by_rows = by_rows}),
          1);
    }
  }
  EXPECT_EQ(Ask("count(*)", Rows("SELECT 1 AS i WHERE false"), 7, {.by_rows = true}), 0);
}

TEST_F(PartitionSql, KeepsNeighboursTogetherByRows) {
  PlanRef rows = Rows("SELECT i FROM range(100) t(i)");
  EXPECT_EQ(Ask("count(*) FILTER (p <> i // 25)", rows, 4, {.by_rows = true}), 0);
  EXPECT_EQ(Ask("count(*) FILTER (p <> i % 4)", rows, 4, {}), 0);
}

TEST_F(PartitionSql, TakesTheNumberFromAColumnAndRefusesOthers) {
  for (const std::string type :
       {"TINYINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "UBIGINT", "UHUGEINT"}) {
    SCOPED_TRACE(type);
    PlanRef rows = Rows("SELECT i::" + type + " AS k FROM range(5) t(i)");
    EXPECT_EQ(Ask("count(*) FILTER (p <> k)", rows, 5, {.by = "k"}), 0);
    EXPECT_CONTAINS(InvalidInputOf([&] { Ask("count(p)", rows, 4, {.by = "k"}); }),
                    "partition key 4 is out of range 0-3");
  }
  EXPECT_CONTAINS(InvalidInputOf([&] { Ask("count(p)", Rows("SELECT -1 AS k"), 4, {.by = "k"}); }),
                  "partition key -1 is out of range 0-3");
  EXPECT_CONTAINS(InvalidInputOf([&] {
                    Ask("count(p)", Rows("SELECT NULL::INT AS \"k'\"\"\""), 4, {.by = "k'\""});
                  }),
                  "partition key NULL is out of range 0-3. The column 'k'\"' must hold the");
}

TEST_F(PartitionSql, NamesItsColumnAsNoOther) {
  EXPECT_EQ(PartitionColumnName(Rows("SELECT 1 AS a")->schema()), "__smallpond_partition");
  EXPECT_EQ(PartitionColumnName(Rows("SELECT 1 AS __SMALLPOND_partition")->schema()),
            "__smallpond_partition_");
  EXPECT_EQ(PartitionColumnName(
                Rows("SELECT 1 AS __smallpond_partition, 2 AS __smallpond_partition_")->schema()),
            "__smallpond_partition__");
}

TEST(PlanRepartition, RefusesWhatCannotBe) {
  Database database({256'000'000, 1, ""});
  Connection connection(database);
  Statement statement = Statement::ParseQuery("SELECT 1 AS user_id, 'x' AS name");
  Schema schema = connection.Bind(statement);
  PlanRef rows =
      std::make_shared<LogicalPlan>(SqlQuery(std::move(statement)), schema, Partitioning{});
  auto error = [&](int n, const RepartitionOptions& options) {
    return InvalidInputOf([&] { PlanRepartition(rows, n, options); });
  };
  EXPECT_EQ(error(0, {}), "repartition: the number of partitions must be 1 to 65536, not 0.");
  EXPECT_EQ(error(-1, {}), "repartition: the number of partitions must be 1 to 65536, not -1.");
  EXPECT_EQ(error(65'537, {}),
            "repartition: the number of partitions must be 1 to 65536, not 65537.");
  EXPECT_EQ(error(2, {.hash_by = {"user"}}),
            "repartition: hash_by names the column 'user', which does not exist. The columns are: "
            "user_id, name.");
  EXPECT_EQ(error(2, {.hash_by = {"usr_id"}}),
            "repartition: hash_by names the column 'usr_id', which does not exist. Did you mean "
            "'user_id'? The columns "
            "are: user_id, name.");
  EXPECT_CONTAINS(error(2, {.by = "nam"}), "by names the column 'nam'");
  EXPECT_EQ(error(2, {.by = "name"}),
            "repartition: by names the column 'name' of type VARCHAR. It must be an integer, the "
            "number of the "
            "partition. To spread by its values use hash_by.");
  EXPECT_EQ(error(2, {.hash_by = {"name"}, .by_rows = true}),
            "repartition: give one of hash_by, by and by_rows, not several.");
  EXPECT_EQ(error(2, {.hash_by = {"name"}, .by = "user_id"}),
            "repartition: give one of hash_by, by and by_rows, not several.");
  EXPECT_EQ(PlanRepartition(rows, 65'536, {})->partitioning().num_partitions, 65'536);
  EXPECT_EQ(PlanRepartition(rows, 2, {.hash_by = {"NAME"}})->partitioning().key_columns,
            std::vector<int>{1});
}

}  // namespace
}  // namespace smallpond
