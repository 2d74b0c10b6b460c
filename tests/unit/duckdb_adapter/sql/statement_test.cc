#include "duckdb_adapter/sql/statement.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "error_of.h"

namespace smallpond {
namespace {

std::string Names(const std::string& query) {
  std::string list;
  for (const auto& name : Statement::ParseQuery(query).FreeTableNames())
    list += (list.empty() ? "" : " ") + name;
  return list;
}

struct QueryCase {
  const char* about;
  std::string query;
  std::string expected;
};

TEST(StatementParse, TakesExactlyOneStatement) {
  EXPECT_EQ(InvalidInputOf([] { Statement::Parse(""); }),
            "The query is empty. Give one statement.");
  EXPECT_EQ(InvalidInputOf([] { Statement::Parse(" -- nothing\n;"); }),
            "The query is empty. Give one statement.");
  EXPECT_EQ(InvalidInputOf([] { Statement::Parse("SELECT 1; SELECT 2"); }),
            "The query holds 2 statements. Give one, and call once for each.");
  EXPECT_CONTAINS(InvalidInputOf([] { Statement::Parse("SELEC 1"); }),
                  "syntax error at or near \"SELEC\"");
  EXPECT_EQ(Statement::Parse("SELECT 1;").ToSql(), "SELECT 1");
}

TEST(StatementParse, TakesEveryFormOfAQuery) {
  for (const std::string query :
       {"SELECT 1", "FROM t", "VALUES (1), (2)", "WITH c AS (SELECT 1) SELECT * FROM c",
        "(SELECT 1) UNION (SELECT 2)", "TABLE t", "PIVOT t ON a USING sum(b)",
        "PIVOT t ON a IN (1, 2) USING sum(b)", "UNPIVOT t ON a, b INTO NAME n VALUE v",
        "DESCRIBE t", "DESCRIBE SELECT 1", "SUMMARIZE t", "SHOW TABLES",
        "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 2 FROM r) FROM r"}) {
    SCOPED_TRACE(query);
    EXPECT_NO_THROW(Statement::ParseQuery(query));
  }
}

TEST(StatementParse, RefusesWhatIsNoQueryAndSaysWhatToUse) {
  for (const std::string statement :
       {"CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t",
        "DROP TABLE t", "COPY t TO 'x.csv'", "SET threads = 1", "ATTACH 'x.db'", "BEGIN",
        "CALL pragma_version()", "CREATE VIEW v AS SELECT 1", "VACUUM", "LOAD httpfs"}) {
    SCOPED_TRACE(statement);
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kUnsupported, [&] { Statement::ParseQuery(statement); }),
                    "is not a query. ");
  }
  EXPECT_CONTAINS(
      ErrorOf(ErrorKind::kUnsupported, [] { Statement::ParseQuery("EXPLAIN SELECT 1"); }),
      "call its explain()");
  EXPECT_CONTAINS(
      ErrorOf(ErrorKind::kUnsupported, [] { Statement::ParseQuery("COPY t TO 'x.csv'"); }),
      "write_parquet()");
  for (const auto& [statement, text] : std::map<std::string, std::string>{
           {"SET threads = 1", "A SET statement is not a query. Run it with execute()."},
           {"INSERT INTO t VALUES (1)",
            "An INSERT statement is not a query. Run it with execute()."},
           {"EXPLAIN SELECT 1", "An EXPLAIN statement is not a query. Build the frame without"}}) {
    EXPECT_CONTAINS(ErrorOf(ErrorKind::kUnsupported, [&] { Statement::ParseQuery(statement); }),
                    text);
  }
}

TEST(StatementTables, AreFoundWhereverTheyStand) {
  const std::vector<QueryCase> cases = {
      {"none", "SELECT 1", ""},
      {"one", "SELECT * FROM a", "a"},
      {"aliased", "SELECT x.k FROM a AS x", "a"},
      {"quoted", "SELECT * FROM \"a b\"", "a b"},
      {"in order and as often as they appear", "SELECT * FROM b, a, b c", "b a b"},
      {"joins", "FROM a JOIN b ON a.k = b.k LEFT JOIN c USING (k) CROSS JOIN d", "a b c d"},
      {"join conditions", "FROM a JOIN b ON a.k IN (SELECT k FROM c)", "a b c"},
      {"subqueries", "SELECT * FROM (SELECT * FROM (FROM a))", "a"},
      {"scalar subqueries", "SELECT (SELECT max(k) FROM b) FROM a", "a b"},
      {"EXISTS and IN", "FROM a WHERE EXISTS (FROM b) AND k IN (FROM c) AND k = ANY (FROM d)",
       "a b c d"},
      {"subquery as an argument", "SELECT coalesce((SELECT 1 FROM a), 2)", "a"},
      {"CASE", "SELECT CASE WHEN (FROM a) THEN (FROM b) ELSE (FROM c) END", "a b c"},
      {"FILTER and ORDER BY of an aggregate",
       "SELECT sum(x ORDER BY (FROM b)) FILTER (x > (FROM c)) FROM a", "a c b"},
      {"GROUP BY, HAVING, QUALIFY",
       "SELECT k FROM a GROUP BY (SELECT 1 FROM b) HAVING max(k) > (FROM c) QUALIFY row_number() "
       "OVER () < (FROM d)",
       "a b c d"},
      {"window", "SELECT sum(x) OVER (PARTITION BY (FROM b) ORDER BY (FROM c)) FROM a", "a b c"},
      {"ORDER BY and LIMIT", "FROM a ORDER BY (FROM b) LIMIT (FROM c) OFFSET (FROM d)", "a b c d"},
      {"LIMIT in percent", "FROM a LIMIT (SELECT 10 FROM b) %", "a b"},
      {"DISTINCT ON", "SELECT DISTINCT ON ((SELECT k FROM b)) k FROM a", "a b"},
      {"set operations", "FROM a UNION FROM b EXCEPT FROM c INTERSECT FROM d", "a b c d"},
      {"VALUES", "VALUES ((SELECT 1 FROM a))", "a"},
      {"lateral", "FROM a, LATERAL (SELECT * FROM b WHERE b.k = a.k)", "a b"},
      {"lambda", "SELECT list_transform([1], lambda x: x + (SELECT 1 FROM a))", "a"},
      {"table function", "FROM range((SELECT 3 FROM a))", "a"},
      {"star", "SELECT * REPLACE ((FROM b) AS k) FROM a", "a b"},
      {"PIVOT with IN", "PIVOT a ON k IN (1, 2) USING sum(x)", "a"},
      {"PIVOT as a table", "FROM (PIVOT a ON k IN (1) USING sum(x)) JOIN b USING (j)", "a b"},
      {"UNPIVOT", "UNPIVOT a ON x, y INTO NAME n VALUE v", "a"},
      {"DESCRIBE", "DESCRIBE a", "a"},
      {"DESCRIBE quoted", "DESCRIBE \"a b\"", "a b"},
      {"DESCRIBE a query", "DESCRIBE SELECT * FROM a", "a"},
      {"SUMMARIZE", "SUMMARIZE a", "a"},
      {"SUMMARIZE as a table", "FROM (SUMMARIZE a)", "a"},
      {"with a schema", "FROM main.a, memory.main.b, other.c, d", "a b d"},
      {"the schema passes over CTEs", "WITH a AS (FROM b) FROM a, MAIN.a", "b a"},
      {"query_table", "FROM query_table('a'), query_table('main.b'), query_table('s.c')", "a b"},
      {"query_table of several", "FROM query_table(['a', 'b'], true), query_table(['c'])", "a b c"},
      {"query_table with an alias", "SELECT x.k FROM query_table('a') AS x(k)", "a"},
      {"query_table of a CTE", "WITH a AS (SELECT 1) FROM query_table('a')", ""},
      {"query", "FROM query('FROM a WHERE k IN (FROM b)')", "a b"},
      {"no query", "FROM query('DROP TABLE a'), query_table(k), query_table([])", ""},
      {"a file", "FROM 'x/y.parquet'", "x/y.parquet"},
      {"a function", "FROM range(3), a", "a"},
      {"ASOF and positional joins", "FROM a ASOF JOIN b USING (t) POSITIONAL JOIN c", "a b c"},
      {"sampled", "FROM a TABLESAMPLE 10%", "a"},
  };
  for (const auto& [about, query, names] : cases) {
    SCOPED_TRACE(about);
    EXPECT_EQ(Names(query), names) << query;
  }
}

TEST(StatementTables, OfAPivotWithoutInAreThoseOfItsPreparationToo) {
  auto statement = Statement::ParseQuery("PIVOT a ON k USING sum(x)");
  EXPECT_TRUE(statement.NeedsPreparation());
  for (const auto& name : statement.FreeTableNames()) EXPECT_EQ(name, "a");
  EXPECT_EQ(statement.FreeTableNames().size(), 2u);
  EXPECT_FALSE(Statement::ParseQuery("PIVOT a ON k IN (1) USING sum(x)").NeedsPreparation());
}

TEST(StatementScopes, HideTheNamesOfCommonTables) {
  const std::vector<QueryCase> cases = {
      {"used", "WITH a AS (SELECT 1) FROM a", ""},
      {"unused", "WITH a AS (FROM b) FROM c", "b c"},
      {"letter case is ignored", "WITH Events AS (SELECT 1) FROM EVENTS", ""},
      {"a later one sees an earlier one", "WITH a AS (SELECT 1), b AS (FROM a) FROM b", ""},
      {"an earlier one does not see a later one", "WITH a AS (FROM b), b AS (SELECT 1) FROM a",
       "b"},
      {"its own name means the table outside", "WITH a AS (SELECT * FROM a WHERE k > 1) FROM a",
       "a"},
      {"its own name, twice", "WITH a AS (FROM a), b AS (FROM a) FROM a, b", "a"},
      {"recursive",
       "WITH RECURSIVE r AS (SELECT 1 AS i FROM a UNION ALL SELECT i + 1 FROM r, b) FROM r", "a b"},
      {"not in the base of a recursive one",
       "WITH RECURSIVE r AS (SELECT 1 FROM r UNION ALL SELECT 1 FROM r) FROM r", "r"},
      {"recursive with a key",
       "WITH RECURSIVE r(k, v) USING KEY (k) AS (SELECT k, v FROM a UNION SELECT r.k, v + 1 FROM r "
       "JOIN recurring.r AS q "
       "ON q.k = r.k) FROM r",
       "a"},
      {"only within its subquery", "SELECT * FROM (WITH a AS (SELECT 1) FROM a), a", "a"},
      {"within a subquery of its query",
       "WITH a AS (SELECT 1) SELECT (SELECT 1 FROM a) WHERE EXISTS (FROM a)", ""},
      {"shadowing in a subquery", "WITH a AS (FROM b) SELECT * FROM (WITH b AS (FROM a) FROM b), b",
       "b b"},
      {"a common table in a common table", "WITH a AS (WITH b AS (FROM c) FROM b) FROM a, b",
       "c b"},
      {"in both sides of a set operation", "WITH a AS (SELECT 1) FROM a UNION ALL FROM a", ""},
      {"in one side of a set operation", "(WITH a AS (SELECT 1) FROM a) UNION ALL FROM a", "a"},
      {"in ORDER BY and LIMIT", "WITH a AS (SELECT 1) FROM b ORDER BY (FROM a) LIMIT (FROM a)",
       "b"},
      {"in a lateral join", "WITH a AS (SELECT 1 AS k) FROM b, LATERAL (FROM a WHERE a.k = b.k)",
       "b"},
      {"a qualified name is not a common table's", "WITH a AS (SELECT 1) FROM main.a", "a"},
      {"materialized or not",
       "WITH a AS MATERIALIZED (FROM x), b AS NOT MATERIALIZED (FROM y) FROM a, b", "x y"},
      {"PIVOT", "WITH a AS (FROM b) PIVOT a ON k IN (1) USING sum(x)", "b"},
  };
  for (const auto& [about, query, names] : cases) {
    SCOPED_TRACE(about);
    EXPECT_EQ(Names(query), names) << query;
  }
}

Statement Numbers() { return Statement::Parse("SELECT 1 AS k"); }

TEST(StatementReplace, PutsAQueryUnderTheNameOrAlias) {
  const std::vector<QueryCase> cases = {
      {"name", "SELECT * FROM a", "SELECT * FROM (SELECT 1 AS k) AS a"},
      {"alias", "SELECT * FROM a AS b", "SELECT * FROM (SELECT 1 AS k) AS b"},
      {"column aliases", "SELECT * FROM a AS b(x)", "SELECT * FROM (SELECT 1 AS k) AS b(x)"},
      {"each place", "SELECT * FROM a, (SELECT * FROM a)",
       "SELECT * FROM (SELECT 1 AS k) AS a , (SELECT * FROM (SELECT 1 AS k) AS a)"},
      {"the schema goes", "SELECT * FROM main.a, b", "SELECT * FROM (SELECT 1 AS k) AS a , b"},
      {"others stay", "SELECT * FROM s.a, b", "SELECT * FROM s.a , b"},
      {"scopes are kept", "WITH a AS (SELECT * FROM a) SELECT * FROM a",
       "WITH a AS (SELECT * FROM (SELECT 1 AS k) AS a)SELECT * FROM a"},
  };
  for (const auto& [about, query, expected] : cases) {
    SCOPED_TRACE(about);
    auto statement = Statement::ParseQuery(query);
    statement.ReplaceTables([](const std::string& name) -> std::optional<Statement> {
      if (name != "a") return std::nullopt;
      return Numbers();
    });
    EXPECT_EQ(statement.ToSql(), expected);
  }
}

TEST(StatementReplace, DoesNotLookIntoTheReplacement) {
  auto statement = Statement::ParseQuery("FROM a");
  int asked = 0;
  statement.ReplaceTables([&](const std::string& name) -> std::optional<Statement> {
    ++asked;
    return Statement::Parse("SELECT 1 AS k FROM " + name);
  });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(statement.FreeTableNames(), std::vector<std::string>{"a"});
}

TEST(StatementReplace, WorksForDescribeAndSummarize) {
  for (const std::string query : {"DESCRIBE a", "SUMMARIZE a", "FROM (DESCRIBE a)"}) {
    SCOPED_TRACE(query);
    auto statement = Statement::ParseQuery(query);
    statement.ReplaceTables(
        [](const std::string&) -> std::optional<Statement> { return Numbers(); });
    EXPECT_TRUE(statement.FreeTableNames().empty());
    EXPECT_CONTAINS(statement.ToSql(), "1 AS k");
  }
}

TEST(StatementReplace, ReachesThePreparationOfAPivot) {
  auto statement = Statement::ParseQuery("PIVOT a ON k USING sum(x)");
  statement.ReplaceTables([](const std::string&) -> std::optional<Statement> { return Numbers(); });
  EXPECT_TRUE(statement.FreeTableNames().empty());
  EXPECT_TRUE(statement.NeedsPreparation());
}

TEST(StatementReplace, TakesThePreparationOfTheReplacementOver) {
  auto statement = Statement::ParseQuery("SELECT * FROM a");
  statement.ReplaceTables([](const std::string&) -> std::optional<Statement> {
    return Statement::ParseQuery("PIVOT b ON k USING sum(x)");
  });
  EXPECT_TRUE(statement.NeedsPreparation());
}

TEST(StatementCopy, SharesNothingWithTheOriginal) {
  auto original = Statement::ParseQuery("PIVOT a ON k USING sum(x)");
  auto copy = original.Copy();
  EXPECT_EQ(copy.ToSql(), original.ToSql());
  EXPECT_TRUE(copy.NeedsPreparation());
  copy.ReplaceTables([](const std::string&) -> std::optional<Statement> { return Numbers(); });
  EXPECT_TRUE(copy.FreeTableNames().empty());
  EXPECT_EQ(original.FreeTableNames().size(), 2u);
}

TEST(StatementCommonTable, StandsBeforeTheOthers) {
  auto statement = Statement::ParseQuery("WITH b AS (FROM a) SELECT * FROM b, a");
  statement.AddCommonTable("a", Statement::Parse("SELECT 1 AS k"), false);
  EXPECT_TRUE(statement.FreeTableNames().empty());
  EXPECT_EQ(statement.ToSql().find("WITH a AS (SELECT 1 AS k)"), 0u) << statement.ToSql();
}

TEST(StatementCommonTable, CanBeComputedOnceForSure) {
  auto statement = Statement::ParseQuery("SELECT * FROM a");
  statement.AddCommonTable("a", Statement::Parse("SELECT 1 AS k"), true);
  EXPECT_CONTAINS(statement.ToSql(), "AS MATERIALIZED");
}

TEST(StatementCommonTable, GoesIntoTheQueryOfOtherStatements) {
  for (const std::string sql :
       {"COPY (SELECT * FROM a) TO 'x.csv'", "CREATE TEMP TABLE t AS SELECT * FROM a"}) {
    SCOPED_TRACE(sql);
    auto statement = Statement::Parse(sql);
    statement.AddCommonTable("a", Statement::Parse("SELECT 1 AS k"), false);
    EXPECT_CONTAINS(statement.ToSql(), "1 AS k");
    EXPECT_TRUE(statement.FreeTableNames().empty());
  }
  auto statement = Statement::Parse("DROP TABLE t");
  ErrorOf(ErrorKind::kInternal, [&] { statement.AddCommonTable("a", Numbers(), false); });
}

std::string Bound(const std::string& query, const std::vector<Value>& positional,
                  const std::map<std::string, Value>& named = {}) {
  auto statement = Statement::ParseQuery(query);
  statement.BindParameters(positional, named);
  return statement.ToSql();
}

TEST(StatementParameters, BecomeConstants) {
  EXPECT_EQ(Bound("VALUES (?, ?)", {1, "x"}), Bound("VALUES (1, 'x')", {}));
  EXPECT_EQ(Bound("VALUES ($2, $1, $2)", {1, "x"}), Bound("VALUES ('x', 1, 'x')", {}));
  EXPECT_EQ(Bound("VALUES ($a + $b)", {}, {{"a", 1}, {"b", 2}}), Bound("VALUES (1 + 2)", {}));
  EXPECT_EQ(Bound("VALUES (?)", {"it's; DROP TABLE x --"}),
            Bound("VALUES ('it''s; DROP TABLE x --')", {}));
  EXPECT_EQ(Bound("SELECT ? AS a", {Value()}), "SELECT NULL AS a");
  EXPECT_EQ(Bound("SELECT ? AS a", {Value::Typed("2026-01-31", "DATE")}),
            "SELECT '2026-01-31'::DATE AS a");
}

TEST(StatementParameters, NameAColumnAsDuckDBDoes) {
  EXPECT_EQ(Bound("SELECT ?", {7}), "SELECT 7 AS \"$1\"");
  EXPECT_EQ(Bound("SELECT k + $day", {}, {{"day", 7}}), "SELECT (k + 7) AS \"(k + $day)\"");
  EXPECT_EQ(Bound("SELECT ? AS total", {7}), "SELECT 7 AS total");
}

TEST(StatementParameters, StandForNoColumn) {
  for (const std::string query :
       {"SELECT k FROM a GROUP BY ?", "FROM a ORDER BY ?", "SELECT DISTINCT ON (?) k FROM a"}) {
    SCOPED_TRACE(query);
    EXPECT_CONTAINS(InvalidInputOf([&] { Bound(query, {1}); }), "can't stand for a column");
  }
}

TEST(StatementParameters, StandWhereverAnExpressionStands) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"WHERE", "FROM a WHERE k = ?"},
      {"LIMIT", "FROM a LIMIT ?"},
      {"OFFSET", "FROM a LIMIT 3 OFFSET ?"},
      {"ORDER BY", "FROM a ORDER BY k + ?"},
      {"GROUP BY", "SELECT k + ? FROM a GROUP BY ALL"},
      {"HAVING", "SELECT k FROM a GROUP BY k HAVING count(*) > ?"},
      {"join condition", "FROM a JOIN b ON a.k = b.k + ?"},
      {"table function", "FROM range(?)"},
      {"table function's named argument", "FROM read_csv('x', skip = ?)"},
      {"VALUES", "VALUES (?), (2)"},
      {"IN", "FROM a WHERE k IN (1, ?)"},
      {"BETWEEN", "FROM a WHERE k BETWEEN 0 AND ?"},
      {"window", "SELECT lag(k, ?) OVER (ORDER BY k) FROM a"},
      {"window frame", "SELECT sum(k) OVER (ROWS BETWEEN ? PRECEDING AND CURRENT ROW) FROM a"},
      {"FILTER", "SELECT count(*) FILTER (k > ?) FROM a"},
      {"common table", "WITH c AS (SELECT ?) FROM c"},
      {"subquery", "SELECT (SELECT ? + k FROM a)"},
      {"struct", "SELECT {'x': ?}"},
      {"lambda", "SELECT list_transform([1], lambda x: x + ?)"},
      {"PIVOT", "PIVOT a ON k IN (1) USING sum(x + ?)"},
      {"REPLACE", "SELECT * REPLACE (k + ? AS k) FROM a"},
  };
  for (const auto& [about, query] : cases) {
    SCOPED_TRACE(about);
    auto statement = Statement::ParseQuery(query);
    statement.BindParameters({77}, {});
    EXPECT_CONTAINS(statement.ToSql(), "77");
    EXPECT_NO_THROW(statement.BindParameters({}, {})) << "a parameter is left";
  }
}

TEST(StatementParameters, AreNamedWithoutRegardToLetterCase) {
  EXPECT_EQ(Bound("VALUES ($Day, $day)", {}, {{"day", 1}}), Bound("VALUES (1, 1)", {}));
}

TEST(StatementParameters, AndTheirValuesMustMatch) {
  EXPECT_EQ(InvalidInputOf([] { Bound("SELECT ?, ?", {1}); }),
            "Parameter $2 has no value; params holds 1. Give params a list for ? and $1, or a dict "
            "for $name.");
  EXPECT_EQ(InvalidInputOf([] { Bound("SELECT $day", {}); }),
            "Parameter $day has no value; params holds 0. Give params a list for ? and $1, or a "
            "dict for $name.");
  EXPECT_EQ(InvalidInputOf([] { Bound("SELECT $day", {1}); }),
            "Parameter $day has no value; params holds 1. Give params a list for ? and $1, or a "
            "dict for $name.");
  EXPECT_EQ(InvalidInputOf([] { Bound("SELECT 1", {1}); }),
            "params holds 1 values, but the query has no parameter $1.");
  EXPECT_EQ(InvalidInputOf([] { Bound("SELECT $1, $3", {1, 2, 3}); }),
            "params holds 3 values, but the query has no parameter $2.");
  EXPECT_EQ(InvalidInputOf([] { Bound("SELECT $a", {}, {{"a", 1}, {"b", 2}}); }),
            "params names 'b', but the query has no parameter $b.");
  EXPECT_CONTAINS(InvalidInputOf([] { Bound("SELECT ?", {Value::Typed("31 January", "DATE")}); }),
                  "31 January");
  InvalidInputOf([] { Bound("SELECT ?", {Value::Typed("1", "NO_SUCH_TYPE")}); });
}

TEST(StatementParameters, StandForNothingInText) {
  EXPECT_EQ(Bound("SELECT '?', '$1', $$?$$", {}), "SELECT '?', '$1', '?'");
}

}  // namespace
}  // namespace smallpond
