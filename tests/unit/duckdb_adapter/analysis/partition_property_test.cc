// Writes random queries over partitioned tables. Wherever the analysis says that a query may run
// per partition, the partitions' rows must be the whole query's rows and lie where the plan says.

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "partition_oracle.h"
#include "smallpond/error.h"

namespace smallpond {
namespace {

// Every relation that it writes has the columns a, b, c of type BIGINT, so that all compose.
class QueryWriter {
 public:
  explicit QueryWriter(unsigned seed) : random_(seed) {}

  std::string Relation(int depth) {
    if (depth == 0) return Base();
    switch (Below(16)) {
      case 0:
        return "SELECT " + Projection() + " FROM " + Sub(depth);
      case 1:
        return "SELECT * FROM " + Sub(depth) + " t WHERE " + Condition(depth);
      case 2:
      case 3:
        return Grouped(depth);
      case 4:
        return "SELECT DISTINCT " +
               Pick({"a, b, c", "a, b, 0 AS c", "a, 0 AS b, 0 AS c", "b AS a, a AS b, c"}) +
               " FROM " + Sub(depth);
      case 5:
        return "SELECT a, b, " + Window() + " AS c FROM " + Sub(depth) + " t";
      case 6:
      case 7:
      case 8:
      case 9:
        return Join(depth);
      case 10:
      case 11:
        return "(" + Relation(depth - 1) + ") " + SetOperation() + " (" + Relation(depth - 1) + ")";
      case 12:
        return "WITH w" + std::to_string(depth) + " AS (" + Relation(depth - 1) + ") " +
               OverCommonTable(depth);
      case 13:
        return "SELECT a, b, unnest([c, " + Column() + "]) AS c FROM " + Sub(depth);
      case 14:
        return "SELECT a, b, (SELECT " + Pick({"max(u.c)", "count(*)", "sum(u.b)"}) + " FROM " +
               Sub(depth) + " u WHERE u." + Column() + " = t." + Column() + ") AS c FROM " +
               Sub(depth) + " t";
      default:
        return Pick({"SELECT * FROM " + Sub(depth) + " t QUALIFY " + Window() + " > 1",
                     "SELECT * FROM " + Sub(depth) + " ORDER BY ALL LIMIT 7",
                     "SELECT sum(a)::BIGINT AS a, max(b) AS b, count(*) AS c FROM " + Sub(depth),
                     "SELECT t.a, l.b, l.c FROM " + Sub(depth) + " t, LATERAL (SELECT b, c FROM " +
                         Sub(depth) + " u WHERE u.a = t." + Column() + ") l"});
    }
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string Pick(const std::vector<std::string>& choices) {
    return choices[Below(static_cast<int>(choices.size()))];
  }
  std::string Sub(int depth) { return "(" + Relation(depth - 1) + ")"; }
  std::string Column() { return Pick({"a", "a", "b", "c"}); }

  // Mostly tables that lie alike, with the key in the first column: there the analysis says yes.
  std::string Base() {
    std::string columns = Below(3) > 0 ? "k AS a, v AS b, id AS c"
                                       : Pick({"v AS a, k AS b, id AS c", "k AS a, k AS b, v AS c",
                                               "id AS a, v AS b, k AS c"});
    std::string table =
        Below(3) > 0 ? Pick({"hashed", "hashed_twin", "hashed_int"})
                     : Pick({"pairs", "pairs_twin", "numbered", "spread", "users", "users", "few"});
    return "SELECT " + columns + " FROM " + table;
  }

  std::string Projection() {
    return Pick({"b AS a, a AS b, c", "c AS a, b, a AS c", "a, a AS b, c",
                 "a::HUGEINT::BIGINT AS a, b::INT AS b, c",
                 "TRY_CAST(a * 40 AS TINYINT)::BIGINT AS a, b, c", "-a AS a, b, c",
                 "coalesce(a, b) AS a, b, c", "a % 2 AS a, b, c", "NULL::BIGINT AS a, a AS b, c",
                 "TRY_CAST(a AS TINYINT) AS a, b, c", "CASE WHEN b > 2 THEN a END AS a, b, c"});
  }

  std::string Condition(int depth) {
    return Pick(
        {"a % 3 <> 1", "b IS NULL OR a = b", "a IS NOT NULL", "false", "a BETWEEN 1 AND 4",
         Column() + Pick({" IN", " NOT IN"}) + " (SELECT " + Column() + " FROM " + Sub(depth) + ")",
         Pick({"", "NOT "}) + "EXISTS (SELECT 1 FROM " + Sub(depth) + " u WHERE u." + Column() +
             " = t." + Column() + ")",
         Column() + " > (SELECT avg(b) FROM " + Sub(depth) + ")"});
  }

  std::string Grouped(int depth) {
    struct Grouping {
      const char *columns, *by;
    };
    const std::vector<Grouping> groupings = {
        {"a, b, count(*) AS c", "a, b"},
        {"a, sum(b)::BIGINT AS b, count(*) AS c", "a"},
        {"a, min(b) AS b, max(c) AS c", "a"},
        {"max(a) AS a, b, count(DISTINCT c) AS c", "b"},
        {"a, b, c", "ALL"},
        {"a + 1 AS a, max(b) AS b, count(*) AS c", "a + 1"},
        {"a::INT AS a, max(b) AS b, count(*) AS c", "a::INT"},
        {"TRY_CAST(a AS UTINYINT)::BIGINT AS a, max(b) AS b, count(*) AS c",
         "TRY_CAST(a AS UTINYINT)"},
        {"a, b, count(*) AS c", "ROLLUP (a, b)"},
        {"a, b, count(*) AS c", "CUBE (a, b)"},
        {"a, b, count(*) AS c", "GROUPING SETS ((a, b), (a))"},
        {"a, b, count(*) AS c", "GROUPING SETS ((a, b))"},
        {"a, b, count(*) AS c", "a, GROUPING SETS ((b))"},
        {"a, b, count(*) AS c", "a, GROUPING SETS ((b), ())"},
        {"a, max(b) AS b, sum(c)::BIGINT AS c", "a HAVING count(*) > 2"},
    };
    const auto& grouping = groupings[Below(static_cast<int>(groupings.size()))];
    return std::string("SELECT ") + grouping.columns + " FROM " + Sub(depth) + " GROUP BY " +
           grouping.by;
  }

  // Without ties, or the same for all that tie.
  std::string Window() {
    return "(" + Pick({"count(*)", "sum(b)", "rank()", "max(c)"}) + " OVER (" +
           Pick(
               {"PARTITION BY a", "PARTITION BY a, b", "PARTITION BY b", "PARTITION BY b, a", ""}) +
           " ORDER BY c))::BIGINT";
  }

  std::string Join(int depth) {
    std::string left = Sub(depth) + " l ";
    std::string right = " " + Sub(depth) + " r ";
    switch (Below(6)) {
      case 0:
        return "SELECT * FROM " + left + Pick({"SEMI", "ANTI"}) + " JOIN" + right + "ON " +
               JoinCondition();
      case 1:
        return "SELECT a, l.b, r.c FROM " + left + Pick({"", "LEFT", "RIGHT", "FULL"}) + " JOIN" +
               right + "USING (a)";
      case 2:
        return "SELECT a, b, l.c FROM " + left + Pick({"", "LEFT", "RIGHT", "FULL"}) + " JOIN" +
               right + "USING (a, b)";
      case 3:
        return "SELECT l.a, l.b, r.c FROM " + left + "ASOF " + Pick({"", "LEFT"}) + " JOIN" +
               right + "ON l.a = r.a AND l.c >= r.c";
      default:
        return "SELECT " +
               Pick({"l.a, l.b, r.c", "r.a, r.b, l.c", "l.a, r.a AS b, l.c", "r.a, l.a AS b, r.c",
                     "coalesce(l.a, r.a) AS a, l.b, r.c"}) +
               " FROM " + left + Pick({"", "", "LEFT", "LEFT", "RIGHT", "FULL"}) + " JOIN" + right +
               "ON " + JoinCondition();
    }
  }

  std::string JoinCondition() {
    return Below(2) == 0 ? "l.a = r.a"
                         : Pick({"l.a = r.a AND l.b = r.b", "l.a = r.b", "l.b = r.a AND l.c < r.c",
                                 "l.a IS NOT DISTINCT FROM r.a", "l.a = r.a AND l.b <> r.b",
                                 "l.a = r.a OR l.b = r.b", "l.a = r.a + 1",
                                 "TRY_CAST(l.a AS TINYINT) IS NOT DISTINCT FROM r.a",
                                 "l.a = r.a AND l.b = 2", "l.a = r.b AND l.b = r.a"});
  }

  std::string SetOperation() {
    return Pick(
        {"UNION", "UNION ALL", "UNION ALL", "EXCEPT", "EXCEPT ALL", "INTERSECT", "INTERSECT ALL"});
  }

  std::string OverCommonTable(int depth) {
    std::string w = "w" + std::to_string(depth);
    return Pick({"SELECT * FROM " + w,
                 "SELECT x.a, y.b, x.c FROM " + w + " x JOIN " + w + " y USING (a)",
                 "SELECT x.a, x.b, y.n AS c FROM " + w + " x JOIN (SELECT a, count(*) AS n FROM " +
                     w + " GROUP BY a) y USING (a)",
                 "SELECT * FROM " + w + " UNION ALL SELECT a, b, c + 1 FROM " + w,
                 "SELECT * FROM " + w + " WHERE a IN (SELECT b FROM " + w + ")",
                 "SELECT x.a, x.b, y.c FROM " + w + " x LEFT JOIN (" + Relation(depth - 1) +
                     ") y ON x.a = y.a"});
  }

  std::mt19937 random_;  // The same numbers everywhere, unlike the standard's distributions.
};

class PartitionProperty : public ::testing::Test {
 protected:
  PartitionProperty() {
    oracle_.Define(
        "events",
        "SELECT CASE WHEN i % 11 = 0 THEN NULL ELSE i % 6 - 2 END AS k, CASE WHEN i % 7 = 0 "
        "THEN NULL ELSE i % 4 "
        "END AS v, i AS id FROM range(36) t(i)");
    oracle_.Define(
        "others",
        "SELECT CASE WHEN i = 0 THEN NULL ELSE i % 8 - 2 END AS k, i % 3 AS v, i * 2 AS id "
        "FROM range(14) t(i)");

    oracle_.Define("users",
                   "SELECT CASE WHEN i = 9 THEN NULL ELSE i - 3 END AS k, i % 3 AS v, 10 * i AS id "
                   "FROM range(10) t(i)");
    oracle_.Define("few", "SELECT i - 1 AS k, i + 1 AS v, i AS id FROM range(2) t(i)");
    oracle_.Spread("hashed", "events", 4, {.hash_by = {"k"}});
    oracle_.Spread("hashed_twin", "others", 4, {.hash_by = {"k"}});
    oracle_.Define("narrow",
                   "SELECT i::INTEGER % 8 - 2 AS k, i % 3 AS v, i * 2 AS id FROM range(14) t(i)");
    oracle_.Spread("hashed_int", "narrow", 4, {.hash_by = {"k"}});
    oracle_.Spread("pairs", "events", 4, {.hash_by = {"k", "v"}});
    oracle_.Spread("pairs_twin", "others", 4, {.hash_by = {"k", "v"}});
    oracle_.Spread("spread", "events", 3);
    oracle_.Define("with_number", "SELECT i % 4 AS k, i % 5 AS v, i AS id FROM range(20) t(i)");
    oracle_.Spread("numbered", "with_number", 4, {.by = "k"});
  }

  // Checks `count` random queries and returns how many of them run per partition.
  int CheckQueries(unsigned seed, int count) {
    int per_partition = 0;
    for (int i = 0; i < count; ++i) {
      std::string query = QueryWriter(seed + i).Relation(1 + i % 3);
      try {
        PlanRef plan = oracle_.Plan(query, SqlQuery::Mode::kPartial);
        if (plan->partitioning().num_partitions == 1) continue;
        ++per_partition;
        std::string problem = oracle_.Check(query);
        EXPECT_EQ(problem, "") << "seed " << seed + i << ": " << query;
      } catch (const Error& error) {
        // DuckDB itself refuses some correlated subqueries.
        if (error.kind() == ErrorKind::kUnsupported) continue;
        ADD_FAILURE() << "seed " << seed + i << ": " << error.what() << "\n" << query;
      }
    }
    return per_partition;
  }

  PartitionOracle oracle_;
};

TEST_F(PartitionProperty, PerPartitionMeansTheSameRows) { EXPECT_GT(CheckQueries(1, 1200), 200); }

TEST_F(PartitionProperty, SlowPerPartitionMeansTheSameRows) {
  EXPECT_GT(CheckQueries(100'000, 20'000), 3'000);
}

}  // namespace
}  // namespace smallpond
