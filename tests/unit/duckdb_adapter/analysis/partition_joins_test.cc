// One query a line: whether it may run per partition, by which columns its rows lie then, and the
// reason where it may not.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "partition_cases.h"

namespace smallpond {
namespace {

TEST_F(PartitionAnalysis, JoinsWithAWholeInput) {
  Check(std::vector<PerPartition>{
      {"SELECT e.k, g FROM events e JOIN users u ON e.k = u.k", "k hash/5"},
      {"SELECT u.k, g FROM events e JOIN users u ON e.k = u.k", ""},
      {"SELECT k, g FROM users JOIN events USING (k)", ""},  // k is the users' here.
      {"SELECT e.id, u.id AS u FROM events e, users u WHERE e.v < u.g", ""},
      {"SELECT k, g FROM events LEFT JOIN users USING (k)", "k hash/5"},
      {"SELECT e.k, e.id, g FROM events e LEFT JOIN users u ON e.v = u.g", "k hash/5"},
      {"SELECT e.k, g FROM users u RIGHT JOIN events e ON u.k = e.k", "k hash/5"},
      {"SELECT * FROM events SEMI JOIN users USING (k)", "k hash/5"},
      {"SELECT * FROM events ANTI JOIN users USING (k)", "k hash/5"},
      {"SELECT * FROM events WHERE k IN (SELECT k FROM users WHERE g = 1)", "k hash/5"},
      {"SELECT * FROM events WHERE k NOT IN (SELECT k FROM users)", "k hash/5"},
      {"SELECT k, id, k IN (SELECT k FROM users) AS x FROM events", "k hash/5"},
      {"SELECT * FROM events e WHERE EXISTS (SELECT 1 FROM users u WHERE u.k = e.k)", "k hash/5"},
      {"SELECT * FROM events e WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.g = e.v)",
       "k hash/5"},
      {"SELECT k, id, (SELECT max(g) FROM users) AS x FROM events", "k hash/5"},
      {"SELECT k, id, (SELECT sum(u.id) FROM users u WHERE u.g = e.v) AS x FROM events e",
       "k hash/5"},
      {"SELECT e.k, e.id, l.id AS u FROM events e, LATERAL (SELECT id FROM users u WHERE u.g = e.v "
       "ORDER BY id LIMIT 1) "
       "l",
       "k hash/5"},
      {"SELECT e.k, e.id, u.id AS u FROM events e ASOF JOIN users u ON e.id >= u.id", "k hash/5"},
      {"SELECT e.k, e.id, u.id AS u FROM events e ASOF LEFT JOIN users u ON e.k = u.k AND e.id >= "
       "u.id",
       "k hash/5"},
      {"SELECT e.k, e.id, x FROM events e CROSS JOIN (VALUES (1), (2)) t(x)", "k hash/5"},
      {"SELECT e.k, e.id, x FROM range(3) t(x), events e", "k hash/5"},
      {"SELECT e.k, count(*) AS n FROM events e JOIN users u ON e.v = u.g GROUP BY e.k",
       "k hash/5"},
      {"SELECT k, n FROM events JOIN (SELECT g, count(*) AS n FROM users GROUP BY g) ON v = g",
       "k hash/5"},
      {"WITH RECURSIVE r AS (SELECT 0 AS x UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT k, x "
       "FROM events JOIN r ON "
       "v = x",
       "k hash/5"},
  });
  Check(std::vector<Merged>{
      {"SELECT e.id, g FROM events e RIGHT JOIN users u ON e.k = u.k", "keeps a whole input"},
      {"SELECT e.id, g FROM events e FULL JOIN users u ON e.k = u.k", "keeps a whole input"},
      {"SELECT e.id, g FROM users u LEFT JOIN events e ON e.k = u.k", "keeps a whole input"},
      {"SELECT e.id, g FROM users u FULL JOIN events e ON e.k = u.k", "a whole input"},
      {"SELECT * FROM users SEMI JOIN events USING (k)", "SEMI JOIN from a whole input"},
      {"SELECT * FROM users ANTI JOIN events USING (k)", "ANTI JOIN from a whole input"},
      {"SELECT * FROM users WHERE k IN (SELECT k FROM events)",
       "IN or EXISTS over a partitioned input"},
      {"SELECT * FROM users WHERE k NOT IN (SELECT k FROM events)",
       "IN or EXISTS over a partitioned input"},
      {"SELECT * FROM users WHERE EXISTS (FROM events WHERE v = 1)", ""},
      {"SELECT * FROM users u WHERE EXISTS (FROM events e WHERE e.k = u.k)",
       "a correlated subquery"},
      {"SELECT k, (SELECT count(*) FROM events) FROM users", "an aggregate without GROUP BY"},
      {"SELECT k, (SELECT count(*) FROM events e WHERE e.k = u.k) FROM users u",
       "a correlated subquery"},
      {"SELECT u.k, l.id FROM users u, LATERAL (SELECT id FROM events e WHERE e.k = u.k) l",
       "a correlated subquery"},
      {"SELECT u.k, e.id FROM users u ASOF JOIN events e ON u.id >= e.id",
       "ASOF JOIN from a whole input"},
      {"SELECT u.k, e.id FROM users u ASOF LEFT JOIN events e ON u.id >= e.id", "a whole input"},
      {"SELECT u.k, e.id FROM users u ASOF RIGHT JOIN events e ON u.id >= e.id", "a whole input"},
      {"SELECT u.k, e.id FROM events e ASOF RIGHT JOIN users u ON e.id >= u.id", "a whole input"},
      {"WITH RECURSIVE r AS (SELECT 0 AS x UNION SELECT id FROM events JOIN r ON v = x) FROM r",
       "a recursive CTE"},
  });
}

TEST_F(PartitionAnalysis, JoinsOfPartitionedInputs) {
  Check(std::vector<PerPartition>{
      {"SELECT e.k, e.id, o.id AS o FROM events e JOIN orders o ON e.k = o.k", "k hash/5"},
      {"SELECT o.k, e.id, o.id AS o FROM events e JOIN orders o ON e.k = o.k", "k hash/5"},
      {"SELECT k, e.id, o.id AS o FROM events e JOIN orders o USING (k)", "k hash/5"},
      {"SELECT k, id FROM events NATURAL JOIN orders", "k hash/5"},
      {"SELECT e.id, o.id AS o FROM events e JOIN orders o ON e.k = o.k AND e.v < o.v", ""},
      {"SELECT e.k, e.id, o.id AS o FROM events e JOIN orders o ON e.k IS NOT DISTINCT FROM o.k",
       "k hash/5"},
      {"SELECT k, e.id, o.id AS o FROM events e LEFT JOIN orders o USING (k)", "k hash/5"},
      {"SELECT o.k, e.id, o.id AS o FROM events e LEFT JOIN orders o USING (k)", ""},
      {"SELECT e.k, o.k AS ok, e.id FROM events e LEFT JOIN orders o ON e.k = o.k AND e.v = o.v",
       "k hash/5"},
      {"SELECT e.k, o.k AS ok, o.id FROM events e RIGHT JOIN orders o ON e.k = o.k", "ok hash/5"},
      {"SELECT k, e.id, o.id AS o FROM events e FULL JOIN orders o USING (k)", ""},
      {"SELECT * FROM events SEMI JOIN orders USING (k)", "k hash/5"},
      {"SELECT * FROM events ANTI JOIN orders USING (k)", "k hash/5"},
      {"SELECT a.k, a.v, b.id FROM pairs a JOIN pairs b ON a.k = b.k AND a.v = b.v", "k,v hash/5"},
      {"SELECT a.k, a.v, b.id FROM pairs a JOIN swapped b ON a.k = b.v AND a.v = b.k",
       "k,v hash/5"},
      {"SELECT a.p, b.id FROM numbered a JOIN numbered b USING (p)", "p by/5"},
      {"SELECT a.k, count(*) AS n FROM events a JOIN events b USING (k) GROUP BY a.k", "k hash/5"},
      {"SELECT a.k, c.id FROM events a JOIN orders b ON a.k = b.k JOIN events c ON b.k = c.k",
       "k hash/5"},
      {"SELECT a.k, c.id FROM events a LEFT JOIN orders b ON a.k = b.k JOIN events c ON a.k = c.k",
       "k hash/5"},
      {"SELECT a.k, n FROM events a JOIN (SELECT k::SMALLINT AS k, count(*) AS n FROM orders GROUP "
       "BY ALL) b USING (k)",
       "k hash/5"},
      {"WITH a AS (SELECT k, count(*) AS n FROM events GROUP BY k) SELECT x.k, x.n, y.n AS m FROM "
       "a x JOIN a y ON x.k = "
       "y.k",
       "k hash/5"},
  });
  Check(std::vector<Merged>{
      {"SELECT * FROM events e JOIN orders o ON e.v = o.v",
       "a join of partitioned inputs on other columns"},
      {"SELECT * FROM events e JOIN orders o ON e.k = o.v", "other columns"},
      {"SELECT * FROM events e JOIN orders o ON e.k = o.k + 1", "other columns"},
      {"SELECT * FROM events e JOIN orders o ON e.k <= o.k", "other columns"},
      {"SELECT * FROM events e JOIN orders o ON e.k = o.k OR e.v = o.v", "other columns"},
      {"SELECT * FROM events e JOIN orders o ON e.k IS DISTINCT FROM o.k", "other columns"},
      {"SELECT * FROM events e JOIN orders o ON TRY_CAST(e.k AS UTINYINT) IS NOT DISTINCT FROM o.k",
       "other columns"},
      {"SELECT * FROM events e JOIN orders o ON e.k::DOUBLE = o.k::DOUBLE", "other columns"},
      {"SELECT * FROM events, orders", "other columns"},
      {"SELECT * FROM events e JOIN three t ON e.k = t.k", "other columns"},
      {"SELECT * FROM events e JOIN spread s ON e.k = s.k", "other columns"},
      {"SELECT * FROM spread a JOIN spread b ON a.id = b.id", "other columns"},
      {"SELECT * FROM events e JOIN pairs p ON e.k = p.k AND e.v = p.v", "other columns"},
      {"SELECT * FROM pairs a JOIN pairs b ON a.k = b.k", "other columns"},
      {"SELECT * FROM pairs a JOIN pairs b ON a.k = b.v AND a.v = b.k", "other columns"},
      {"SELECT * FROM pairs a JOIN swapped b ON a.k = b.k AND a.v = b.v", "other columns"},
      {"SELECT * FROM numbered a JOIN events e ON a.p = e.k", "other columns"},
  });
}

TEST_F(PartitionAnalysis, JoinsOfPartitionedInputsThatLoseTheKey) {
  Check(std::vector<Merged>{
      // The nullable side's key, and no key at all after FULL.
      {"SELECT o.k, count(*) FROM events e LEFT JOIN orders o ON e.k = o.k GROUP BY o.k",
       "GROUP BY k"},
      {"SELECT e.k, count(*) FROM events e RIGHT JOIN orders o ON e.k = o.k GROUP BY e.k",
       "GROUP BY k"},
      {"SELECT k, count(*) FROM events e FULL JOIN orders o USING (k) GROUP BY k",
       "GROUP BY COALESCE(k, k)"},
      {"SELECT e.k, count(*) FROM events e FULL JOIN orders o USING (k) GROUP BY e.k",
       "GROUP BY k"},
      {"SELECT * FROM events a LEFT JOIN orders b ON a.k = b.k JOIN events c ON b.k = c.k",
       "other columns"},
      {"SELECT * FROM events WHERE k IN (SELECT k FROM orders)",
       "IN or NOT IN over a partitioned input"},
      {"SELECT * FROM events WHERE k NOT IN (SELECT k FROM orders)",
       "IN or NOT IN over a partitioned input"},
      {"SELECT * FROM events WHERE v NOT IN (SELECT v FROM orders)", "other columns"},
      {"SELECT * FROM events e WHERE EXISTS (FROM orders o WHERE o.k = e.k)", ""},
      {"SELECT id, (SELECT count(*) FROM orders o WHERE o.k = e.k) FROM events e", ""},
      {"SELECT e.id, l.id FROM events e, LATERAL (SELECT * FROM orders o WHERE o.k = e.k) l", ""},
      {"SELECT e.id, o.id FROM events e ASOF JOIN orders o ON e.k = o.k AND e.id >= o.id", ""},
      {"SELECT e.k, max(o.id) FROM events e POSITIONAL JOIN orders o GROUP BY e.k",
       "POSITIONAL JOIN"},
  });
}

}  // namespace
}  // namespace smallpond
