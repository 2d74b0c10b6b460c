// One query a line: whether it may run per partition, by which columns its rows lie then, and the
// reason where it may not.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "error_of.h"
#include "partition_cases.h"

namespace smallpond {
namespace {

TEST_F(PartitionAnalysis, RowsOfOneTable) {
  Check(std::vector<PerPartition>{
      {"SELECT * FROM events", "k hash/5"},
      {"SELECT * FROM spread", ""},
      {"SELECT * FROM runs WHERE v > 1", ""},
      {"SELECT * FROM pairs", "k,v hash/5"},
      {"SELECT * FROM numbered", "p by/5"},
      {"SELECT id, v FROM events", ""},
      {"SELECT v, k AS key FROM events", "key hash/5"},
      {"SELECT k AS a, k AS b FROM events", "a hash/5"},
      {"SELECT v, id FROM pairs", ""},
      {"SELECT k FROM pairs", ""},
      {"SELECT v AS x, k AS y FROM pairs", "y,x hash/5"},
      {"SELECT -k AS k FROM events", ""},
      {"SELECT coalesce(k, 0) AS k FROM events", ""},
      {"SELECT k::HUGEINT AS k FROM events", "k hash/5"},
      {"SELECT k::TINYINT AS k FROM events", "k hash/5"},
      {"SELECT k::DOUBLE AS k FROM events", ""},
      {"SELECT k::VARCHAR AS k FROM events", ""},
      {"SELECT TRY_CAST(k AS TINYINT) AS k FROM events", ""},
      {"SELECT k, unnest(list) AS x FROM events", "k hash/5"},
      {"SELECT e.k, u.x FROM events e, unnest(e.list) u(x)", "k hash/5"},
      {"SELECT k, s FROM events WHERE s IN ('s0', 's1') AND k BETWEEN 1 AND 5", "k hash/5"},
      {"SELECT k, id + random() * 0 AS id FROM events", "k hash/5"},
      {"WITH a AS (SELECT * FROM events), b AS (SELECT k, id FROM a WHERE v = 1) SELECT * FROM b",
       "k hash/5"},
      {"WITH a AS MATERIALIZED (SELECT id, k FROM events) SELECT k FROM a", "k hash/5"},
      {"FROM (SELECT x AS y FROM (SELECT k AS x FROM events))", "y hash/5"},
      {"UNPIVOT (SELECT k, v, id FROM events) ON v, id INTO NAME n VALUE x", "k hash/5"},
      {"SELECT COLUMNS(*) FROM (SELECT k, v FROM events)", "k hash/5"},
      {"SELECT * FROM events WHERE false", "k hash/5"},
  });
}

TEST_F(PartitionAnalysis, RowsOfAllPartitions) {
  Check(std::vector<Merged>{
      {"SELECT * FROM events ORDER BY k", "ORDER BY"},
      {"SELECT * FROM (SELECT * FROM events ORDER BY k) WHERE v = 1", "ORDER BY"},
      {"SELECT * FROM events LIMIT 3", "LIMIT"},
      {"SELECT * FROM events LIMIT 10%", "LIMIT"},
      {"SELECT * FROM events OFFSET 3", "LIMIT"},
      {"SELECT * FROM (FROM events LIMIT 3) JOIN users USING (k)", "LIMIT"},
      {"SELECT * FROM events ORDER BY k LIMIT 3", "ORDER BY"},
      {"SELECT * FROM events USING SAMPLE 10%", "SAMPLE"},
      {"SELECT * FROM events TABLESAMPLE 5 ROWS", "SAMPLE"},
      {"SELECT * FROM events POSITIONAL JOIN users", "POSITIONAL JOIN"},
      {"SELECT * FROM users POSITIONAL JOIN events", "POSITIONAL JOIN"},
      {"PIVOT (SELECT v, id, s FROM events) ON v IN (1, 2) USING sum(id) GROUP BY s", "GROUP BY s"},
      {"SUMMARIZE events", ""},
      {"DESCRIBE events", "no rows of a partitioned input"},
      {"SELECT (SELECT 7) AS x FROM users WHERE false AND EXISTS (FROM events)", ""},
  });
}

TEST_F(PartitionAnalysis, Aggregates) {
  Check(std::vector<PerPartition>{
      {"SELECT k, count(*) AS n FROM events GROUP BY k", "k hash/5"},
      {"SELECT count(*) AS n FROM events GROUP BY k", ""},
      {"SELECT k, v, count(*) AS n FROM events GROUP BY k, v", "k hash/5"},
      {"SELECT v, count(DISTINCT id) AS n FROM events GROUP BY v, k", ""},
      {"SELECT k AS x, sum(v) AS n FROM events GROUP BY 1 HAVING count(*) > 3", "x hash/5"},
      {"SELECT k::HUGEINT AS k, count(*) AS n FROM events GROUP BY ALL", "k hash/5"},
      {"SELECT k, v, sum(id) AS n FROM pairs GROUP BY k, v", "k,v hash/5"},
      {"SELECT k, v, s, sum(id) AS n FROM pairs GROUP BY v, s, k", "k,v hash/5"},
      {"SELECT p, sum(id) AS n FROM numbered GROUP BY p", "p by/5"},
      {"SELECT k, v, count(*) AS n FROM events GROUP BY GROUPING SETS ((k, v))", "k hash/5"},
      {"SELECT k, n, count(*) AS m FROM (SELECT k, count(*) AS n FROM events GROUP BY k, s) GROUP "
       "BY k, n",
       "k hash/5"},
      {"SELECT k, max(n) AS n FROM (SELECT k, v, count(*) AS n FROM events GROUP BY k, v) GROUP BY "
       "k",
       "k hash/5"},
      {"SELECT k, sum(id) FILTER (v > 1) AS a, count(DISTINCT v) AS b FROM events GROUP BY k",
       "k hash/5"},
      {"SELECT DISTINCT k, v FROM events", "k hash/5"},
      {"SELECT DISTINCT v, s, k AS x FROM events", "x hash/5"},
      {"SELECT n FROM (SELECT DISTINCT k, v + 1 AS n FROM events)", ""},
      {"SELECT k FROM (SELECT DISTINCT ON (k) k, v FROM events)", "k hash/5"},
      {"PIVOT (SELECT k, v, id FROM events) ON v IN (1, 2) USING sum(id) GROUP BY k", "k hash/5"},
  });
  Check(std::vector<Merged>{
      {"SELECT count(*) FROM events", "an aggregate without GROUP BY"},
      {"SELECT sum(id) FROM spread GROUP BY ()", "an aggregate without GROUP BY"},
      {"SELECT v, count(*) FROM events GROUP BY v", "GROUP BY v"},
      {"SELECT k, count(*) FROM spread GROUP BY k", "GROUP BY k"},
      {"SELECT k, count(*) FROM runs GROUP BY k", "GROUP BY k"},
      {"SELECT k, count(*) FROM pairs GROUP BY k", "GROUP BY k"},
      {"SELECT v, s, count(*) FROM pairs GROUP BY v, s", "GROUP BY v, s"},
      {"SELECT k % 2 AS k, count(*) FROM events GROUP BY k % 2", "GROUP BY"},
      {"SELECT k, count(*) FROM (SELECT coalesce(k, 0) AS k FROM events) GROUP BY k", "GROUP BY k"},
      {"SELECT k, count(*) FROM (SELECT v AS k FROM events) GROUP BY k", "GROUP BY k"},
      {"SELECT TRY_CAST(k * 40 AS TINYINT) AS x, count(*) FROM events GROUP BY x", "GROUP BY"},
      {"SELECT TRY_CAST(k AS UTINYINT) AS x, count(*) FROM events GROUP BY x", "GROUP BY"},
      {"SELECT x, count(*) FROM (SELECT TRY_CAST(k AS UTINYINT) AS x FROM events) GROUP BY x",
       "GROUP BY"},
      {"SELECT x, count(*) FROM (SELECT TRY_CAST(k AS UTINYINT)::BIGINT AS x FROM events) GROUP BY "
       "x",
       "GROUP BY"},
      {"SELECT k, count(*) FROM events GROUP BY GROUPING SETS ((k), ())", "GROUP BY"},
      {"SELECT k, v, count(*) FROM events GROUP BY ROLLUP (k, v)", "GROUP BY"},
      {"SELECT k, v, count(*) FROM events GROUP BY CUBE (k, v)", "GROUP BY"},
      {"SELECT v, count(*) FROM events GROUP BY GROUPING SETS ((v))", "GROUP BY v"},
      {"SELECT DISTINCT v FROM events", "DISTINCT"},
      {"SELECT DISTINCT k FROM spread", "DISTINCT"},
      {"SELECT DISTINCT k, s FROM pairs", "DISTINCT"},
      {"SELECT DISTINCT k + 1 FROM events", "DISTINCT"},
      {"SELECT DISTINCT ON (v) k, v FROM events", "DISTINCT"},
      {"SELECT list(k) FROM events", "an aggregate without GROUP BY"},
      {"SELECT n, count(*) FROM (SELECT k, count(*) AS n FROM events GROUP BY k) GROUP BY n",
       "GROUP BY n"},
  });
}

TEST_F(PartitionAnalysis, Windows) {
  Check(std::vector<PerPartition>{
      {"SELECT k, id, rank() OVER (PARTITION BY k ORDER BY id) AS r FROM events", "k hash/5"},
      {"SELECT id, sum(v) OVER (PARTITION BY v, k ORDER BY id) AS r FROM events", ""},
      {"SELECT k, v, id, count(*) OVER (PARTITION BY v, k) AS r FROM pairs", "k,v hash/5"},
      {"SELECT k, id FROM events QUALIFY row_number() OVER (PARTITION BY k ORDER BY id) = 1",
       "k hash/5"},
      {"SELECT id, count(*) OVER a AS x, sum(v) OVER b AS y FROM events WINDOW a AS (PARTITION BY "
       "k), b AS (PARTITION "
       "BY k, v)",
       ""},
  });
  Check(std::vector<Merged>{
      {"SELECT id, row_number() OVER () FROM events", "the window function ROW_NUMBER() OVER ("},
      {"SELECT id, rank() OVER (ORDER BY id) FROM events", "the window function RANK() OVER ("},
      {"SELECT id, rank() OVER (PARTITION BY v ORDER BY id) FROM events",
       "the window function RANK() OVER ("},
      {"SELECT id, count(*) OVER (PARTITION BY k) FROM pairs", "the window function"},
      {"SELECT id, count(*) OVER (PARTITION BY k), count(*) OVER () FROM events",
       "the window function"},
      {"SELECT id, count(*) OVER (PARTITION BY k % 2) FROM events", "the window function"},
      {"SELECT id FROM events QUALIFY row_number() OVER (ORDER BY id) < 3", "the window function"},
  });
}

TEST_F(PartitionAnalysis, SetOperations) {
  Check(std::vector<PerPartition>{
      {"SELECT k, v FROM events UNION ALL SELECT k, v FROM orders", "k hash/5"},
      {"SELECT k, v FROM events UNION ALL SELECT v, k FROM orders", ""},
      {"SELECT k, id FROM events UNION ALL SELECT k, id FROM three", ""},
      {"SELECT k, id FROM events UNION ALL SELECT k, id FROM spread", ""},
      {"SELECT k, v FROM events UNION SELECT k, v FROM orders", "k hash/5"},
      {"SELECT k, v FROM events EXCEPT SELECT k, v FROM orders", "k hash/5"},
      {"SELECT k, v FROM events EXCEPT ALL SELECT k, v FROM orders", "k hash/5"},
      {"SELECT k, v FROM events INTERSECT SELECT k, v FROM orders", "k hash/5"},
      {"SELECT k, v FROM events INTERSECT ALL SELECT k, v FROM orders", "k hash/5"},
      {"SELECT v, k FROM events UNION BY NAME SELECT k, v FROM orders", "k hash/5"},
      {"SELECT k::INTEGER AS k FROM events UNION SELECT k FROM orders", "k hash/5"},
      {"SELECT k, v FROM pairs EXCEPT SELECT k, v FROM pairs WHERE id < 30", "k,v hash/5"},
      {"(SELECT k FROM events UNION ALL SELECT k FROM orders) UNION ALL SELECT k FROM events",
       "k hash/5"},
      {"SELECT k, count(*) AS n FROM (SELECT k FROM events UNION ALL SELECT k FROM orders) GROUP "
       "BY k",
       "k hash/5"},
  });
  Check(std::vector<Merged>{
      {"SELECT k FROM events UNION ALL SELECT k FROM users", "UNION with a whole input"},
      {"SELECT k FROM users UNION SELECT k FROM events", "UNION with a whole input"},
      {"SELECT k FROM events EXCEPT SELECT k FROM users", "EXCEPT"},
      {"SELECT k FROM users EXCEPT SELECT k FROM events", "EXCEPT"},
      {"SELECT k FROM events INTERSECT SELECT k FROM users", "INTERSECT"},
      {"SELECT v FROM events UNION SELECT v FROM orders", "DISTINCT"},
      {"SELECT k, v FROM events UNION SELECT v, k FROM orders", "DISTINCT"},
      {"SELECT k, v FROM events EXCEPT SELECT v, k FROM orders", "EXCEPT"},
      {"SELECT k, v FROM events INTERSECT SELECT v, k FROM orders", "INTERSECT"},
      {"SELECT v FROM events EXCEPT ALL SELECT v FROM orders", "EXCEPT"},
      {"SELECT k FROM events EXCEPT SELECT k FROM three", "EXCEPT"},
      {"SELECT k, v FROM pairs EXCEPT SELECT v, k FROM pairs", "EXCEPT"},
      {"SELECT k, v FROM pairs INTERSECT SELECT k, v FROM swapped", "INTERSECT"},
      {"SELECT k FROM events UNION SELECT k::DOUBLE FROM orders", "DISTINCT"},
      {"SELECT k, count(*) FROM (SELECT k, v FROM events UNION ALL SELECT v, k FROM orders) GROUP "
       "BY k",
       "GROUP BY k"},
      {"SELECT k, count(*) FROM (SELECT k FROM events UNION ALL SELECT k FROM three) GROUP BY k",
       "GROUP BY k"},
      {"SELECT p, count(*) FROM (SELECT p FROM numbered UNION ALL SELECT k FROM events) GROUP BY p",
       "GROUP BY p"},
  });
}

// What is computed anew for every partition must come out the same.
TEST_F(PartitionAnalysis, WholeInputsThatAreNotTheSameEachTime) {
  Check(std::vector<Merged>{
      {"SELECT id, r FROM events CROSS JOIN (SELECT random() AS r)", "random() in a whole input"},
      {"SELECT v, r FROM events JOIN (SELECT k, random() AS r FROM users) USING (k)", "random()"},
      {"SELECT id FROM events WHERE v < (SELECT 4 * random())", "random()"},
      {"SELECT id FROM events WHERE k IN (SELECT k FROM users WHERE random() < 0.5)", "random()"},
      {"SELECT id, (SELECT e.v + random()) AS r FROM events e", "a correlated subquery"},
      {"SELECT id, u FROM events CROSS JOIN (SELECT uuid() AS u)", "uuid() in a whole input"},
      {"SELECT v FROM events JOIN (FROM users USING SAMPLE 3 ROWS) USING (k)",
       "SAMPLE in a whole input"},
      {"SELECT v FROM events JOIN (FROM users LIMIT 3) USING (k)", "LIMIT in a whole input"},
      {"SELECT v FROM events JOIN (FROM users ORDER BY g LIMIT 3) USING (k)", "LIMIT"},
      {"WITH few AS (FROM users LIMIT 3) SELECT id FROM events WHERE k IN (SELECT k FROM few)",
       "LIMIT"},
      {"SELECT v, x FROM events JOIN (SELECT DISTINCT ON (g) g, k AS x FROM users) ON v = g",
       "DISTINCT ON in a whole"},
  });
  Check(std::vector<PerPartition>{
      {"SELECT k, id FROM events WHERE EXISTS (FROM users WHERE g = 2)", "k hash/5"},
      {"SELECT k, id, (SELECT id FROM users WHERE k = 3) AS x FROM events", "k hash/5"},
      {"SELECT k, id FROM events WHERE random() >= 0", "k hash/5"},
  });
}

TEST_F(PartitionAnalysis, ATimeThatIsOneForAQuery) {
  for (const std::string now :
       {"now()", "current_timestamp", "get_current_timestamp()", "current_localtimestamp()"}) {
    SCOPED_TRACE(now);
    EXPECT_EQ(oracle_.Check("SELECT id, t = now() AS same FROM (SELECT id, " + now +
                            " AS t FROM events)"),
              "");
  }
}

TEST_F(PartitionAnalysis, KeysThatPartitionsAreTakenOverFrom) {
  oracle_.DefinePartial("grouped", "SELECT k, v, count(*) AS n FROM events GROUP BY k, v");
  oracle_.DefinePartial("keyless", "SELECT v, id FROM events");
  oracle_.DefinePartial("renamed", "SELECT id AS k, k AS id FROM events");
  oracle_.DefinePartial("half", "SELECT k, id FROM pairs");
  oracle_.DefinePartial("joined", "SELECT o.k, e.v FROM events e LEFT JOIN orders o USING (k)");
  Check(std::vector<PerPartition>{
      {"SELECT k, sum(n) AS n FROM grouped GROUP BY k", "k hash/5"},
      {"SELECT g.k, o.id FROM grouped g JOIN orders o USING (k)", "k hash/5"},
      {"SELECT id, count(*) AS n FROM renamed GROUP BY id", "id hash/5"},
      {"SELECT r.id, o.v FROM renamed r JOIN orders o ON r.id = o.k", "id hash/5"},
  });
  Check(std::vector<Merged>{
      {"SELECT v, sum(n) FROM grouped GROUP BY v", "GROUP BY v"},
      {"SELECT id, count(*) FROM keyless GROUP BY id", "GROUP BY id"},
      {"SELECT k, count(*) FROM renamed GROUP BY k", "GROUP BY k"},
      {"SELECT k, count(*) FROM half GROUP BY k", "GROUP BY k"},
      {"SELECT k, count(*) FROM joined GROUP BY k", "GROUP BY k"},
      {"SELECT * FROM renamed r JOIN orders o ON r.k = o.k", "other columns"},
  });
}

TEST_F(PartitionAnalysis, OnePartitionIsWhole) {
  for (const std::string query :
       {"SELECT count(*) FROM one", "SELECT * FROM one ORDER BY id LIMIT 3", "FROM users"}) {
    PlanRef plan = oracle_.Plan(query, SqlQuery::Mode::kPartial);
    EXPECT_EQ(PartitionOracle::ReasonOf(*plan), "") << query;
    EXPECT_EQ(plan->partitioning().num_partitions, 1) << query;
  }
  Check(std::vector<Merged>{{"SELECT * FROM one LEFT JOIN events USING (k)", "a whole input"}});
}

TEST_F(PartitionAnalysis, InputsOfDifferentNumbers) {
  EXPECT_EQ(
      oracle_.Plan("SELECT k FROM three UNION ALL SELECT k FROM events", SqlQuery::Mode::kPartial)
          ->partitioning()
          .num_partitions,
      5);
  Check(std::vector<PerPartition>{
      {"SELECT k, id FROM three UNION ALL SELECT k, id FROM spread", ""}});
}

TEST_F(PartitionAnalysis, WrongQueriesFailWhereTheyAreMade) {
  EXPECT_CONTAINS(InvalidInputOf([&] { oracle_.Reason("SELECT nope FROM events"); }),
                  "Referenced column \"nope\" not found");
  EXPECT_CONTAINS(InvalidInputOf([&] { oracle_.Reason("SELECT nope FROM events"); }),
                  "LINE 1: SELECT nope FROM");
  EXPECT_CONTAINS(InvalidInputOf([&] { oracle_.Reason("SELECT * FROM missing"); }),
                  "missing does not exist");
}

}  // namespace
}  // namespace smallpond
