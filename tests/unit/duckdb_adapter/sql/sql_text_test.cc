#include "duckdb_adapter/sql/sql_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "duckdb_adapter/sql/statement.h"
#include "error_of.h"

namespace smallpond {
namespace {

TEST(QuoteName, QuotesWhateverANameHolds) {
  EXPECT_EQ(QuoteName("users"), "\"users\"");
  EXPECT_EQ(QuoteName(""), "\"\"");
  EXPECT_EQ(QuoteName("a \"b\" c"), "\"a \"\"b\"\" c\"");
  EXPECT_EQ(QuoteName("\""), "\"\"\"\"");
  EXPECT_EQ(QuoteName("naïve; DROP TABLE x --"), "\"naïve; DROP TABLE x --\"");
}

TEST(QuoteText, QuotesWhateverATextHolds) {
  EXPECT_EQ(QuoteText("it's"), "'it''s'");
  EXPECT_EQ(QuoteText(""), "''");
  EXPECT_EQ(QuoteText("'"), "''''");
  EXPECT_EQ(QuoteText("C:\\x\n"), "'C:\\x\n'");  // A backslash is no escape in SQL.
}

struct Case {
  const char* about;
  std::string query;
  std::string quoted;
};

void Check(const std::vector<Case>& cases, const std::vector<std::string>& named = {}) {
  for (const auto& [about, query, quoted] : cases) {
    SCOPED_TRACE(about);
    EXPECT_EQ(QuotePlaceholders(query, named), quoted);
    Statement::Parse(QuotePlaceholders(query, named));  // Throws where it is no SQL.
  }
}

TEST(QuotePlaceholders, QuotesNumbers) {
  Check({{"one", "SELECT * FROM {0}", "SELECT * FROM \"{0}\""},
         {"several", "FROM {0} JOIN {1} USING (k)", "FROM \"{0}\" JOIN \"{1}\" USING (k)"},
         {"twice", "FROM {0} a, {0} b", "FROM \"{0}\" a, \"{0}\" b"},
         {"two digits", "FROM {10}", "FROM \"{10}\""},
         {"without spaces", "SELECT(SELECT 1FROM{0})", "SELECT(SELECT 1FROM\"{0}\")"},
         {"as a qualifier", "SELECT {0}.x FROM {0}", "SELECT \"{0}\".x FROM \"{0}\""},
         {"over lines", "SELECT *\nFROM\n{0}\n", "SELECT *\nFROM\n\"{0}\"\n"},
         {"after an alias", "FROM {0}AS a", "FROM \"{0}\"AS a"},
         {"beside UTF-8", "SELECT 'é', ü FROM {0}", "SELECT 'é', ü FROM \"{0}\""},
         {"trailing semicolon", "FROM {0};", "FROM \"{0}\";"}});
}

TEST(QuotePlaceholders, QuotesNamesThatWereGiven) {
  Check({{"one", "SELECT * FROM {users}", "SELECT * FROM \"{users}\""},
         {"beside a number", "FROM {users}, {0}", "FROM \"{users}\", \"{0}\""},
         {"a bare name stays", "FROM users", "FROM users"}},
        {"users"});
  Check({{"a name with a comment's marks", "FROM {a -- b} /* {a -- b} */",
          "FROM \"{a -- b}\" /* {a -- b} */"}},
        {"a -- b"});
  EXPECT_EQ(QuotePlaceholders("FROM {users}", {"events"}), "FROM {users}");
  EXPECT_EQ(QuotePlaceholders("FROM {Users}", {"users"}), "FROM {Users}");
}

TEST(QuotePlaceholders, LeavesTextNamesAndCommentsAlone) {
  Check(
      {{"text", "SELECT '{0}' FROM {0}", "SELECT '{0}' FROM \"{0}\""},
       {"text with a quote", "SELECT 'a''{0}' FROM {0}", "SELECT 'a''{0}' FROM \"{0}\""},
       {"text with escapes", "SELECT E'\\'{0}' FROM {0}", "SELECT E'\\'{0}' FROM \"{0}\""},
       {"text in dollars", "SELECT $$'{0}$$ FROM {0}", "SELECT $$'{0}$$ FROM \"{0}\""},
       {"text in tagged dollars", "SELECT $t$ {0} $$ $t$ FROM {0}",
        "SELECT $t$ {0} $$ $t$ FROM \"{0}\""},
       {"quoted name", "SELECT 1 AS \"{0}\" FROM {0}", "SELECT 1 AS \"{0}\" FROM \"{0}\""},
       {"quoted name with quotes", "SELECT 1 AS \"\"\"{0}\" FROM {0}",
        "SELECT 1 AS \"\"\"{0}\" FROM \"{0}\""},
       {"line comment", "SELECT 1 -- {0} and {{\nFROM {0}", "SELECT 1 -- {0} and {{\nFROM \"{0}\""},
       {"line comment first", "-- {0}\nFROM {0}", "-- {0}\nFROM \"{0}\""},
       {"line comment last", "FROM {0} -- {0}", "FROM \"{0}\" -- {0}"},
       {"line comment with a quote", "-- it's {0}\nFROM {0}", "-- it's {0}\nFROM \"{0}\""},
       {"block comment", "SELECT /* {0} */ * FROM {0}", "SELECT /* {0} */ * FROM \"{0}\""},
       {"nested block comment", "SELECT /* /* */ {0} */ * FROM {0}",
        "SELECT /* /* */ {0} */ * FROM \"{0}\""},
       {"block comment over lines", "/*\n{0}\n*/FROM {0}", "/*\n{0}\n*/FROM \"{0}\""},
       {"block comment with dashes", "SELECT 1 /* -- */ FROM {0}",
        "SELECT 1 /* -- */ FROM \"{0}\""},
       {"a comment's marks in a text", "SELECT '--', '/*' FROM {0}",
        "SELECT '--', '/*' FROM \"{0}\""}});
}

TEST(QuotePlaceholders, LeavesStructsAlone) {
  Check(
      {{"struct", "SELECT {'a': 1} FROM {0}", "SELECT {'a': 1} FROM \"{0}\""},
       {"nested", "SELECT {'a': {'b': {'c': 1}}} FROM {0}",
        "SELECT {'a': {'b': {'c': 1}}} FROM \"{0}\""},
       {"bare keys", "SELECT {a: x, b: {c: 1}} FROM {0}", "SELECT {a: x, b: {c: 1}} FROM \"{0}\""},
       {"map", "SELECT MAP {1: 2} FROM {0}", "SELECT MAP {1: 2} FROM \"{0}\""},
       {"map with a struct for a key", "SELECT MAP {{'a': 1}: {'b': 2}} FROM {0}",
        "SELECT MAP {{'a': 1}: {'b': 2}} FROM \"{0}\""},
       {"nothing to do", "SELECT 1", "SELECT 1"}});
}

TEST(QuotePlaceholders, HalvesDoubledBracesOfAWholeQuery) {
  Check({{"struct", "SELECT {{'a': 1}} FROM {0}", "SELECT {'a': 1} FROM \"{0}\""},
         {"nested", "SELECT {{'a': {{'b': 1}}}} FROM {0}", "SELECT {'a': {'b': 1}} FROM \"{0}\""},
         {"text stays", "SELECT {{'a': '{{'}} FROM {0}", "SELECT {'a': '{{'} FROM \"{0}\""},
         {"comment stays", "SELECT {{'a': 1}} FROM {0} -- {{",
          "SELECT {'a': 1} FROM \"{0}\" -- {{"}});
}

TEST(QuotePlaceholders, IsNotMisledByBracesInACommentOrText) {
  Check({{"line comment", "-- format with {{x}}\nSELECT {'a': {'b': 1}} FROM {0}",
          "-- format with {{x}}\nSELECT {'a': {'b': 1}} FROM \"{0}\""},
         {"block comment", "SELECT {'a': {'b': 1}} /* {{ */ FROM {0}",
          "SELECT {'a': {'b': 1}} /* {{ */ FROM \"{0}\""},
         {"text", "SELECT {'a': {'b': '{{'}} FROM {0}", "SELECT {'a': {'b': '{{'}} FROM \"{0}\""},
         {"name", "SELECT {'a': {'b': 1}} AS \"{{\" FROM {0}",
          "SELECT {'a': {'b': 1}} AS \"{{\" FROM \"{0}\""}});
}

TEST(QuotePlaceholders, HandsBrokenSqlOnToTheParser) {
  for (const std::string query :
       {"{", "}", "{}", "{0", "{ 0 }", "{-1}", "{0x1}", "{{0}}", "{{", "SELECT {"}) {
    SCOPED_TRACE(query);
    InvalidInputOf([&] { Statement::Parse(QuotePlaceholders(query, {})); });
  }
  InvalidInputOf([] { Statement::Parse(QuotePlaceholders("SELECT 'open FROM {0}", {})); });
  InvalidInputOf([] { Statement::Parse(QuotePlaceholders("SELECT 1 /* open FROM {0}", {})); });
  InvalidInputOf([] { Statement::Parse(QuotePlaceholders("SELECT \"open FROM {0}", {})); });
}

TEST(PlaceholderAdvice, TellsOfTheFirstBracesWithoutAnInput) {
  EXPECT_CONTAINS(PlaceholderAdvice("FROM {}", {}), "write {0} for the first one");
  EXPECT_CONTAINS(PlaceholderAdvice("FROM {users}", {}), "No input is called users");
  EXPECT_CONTAINS(PlaceholderAdvice("FROM {users}, {events}", {"users"}),
                  "No input is called events");
  for (const std::string query : {"FROM {0}", "FROM {users}", "SELECT '{}'", "SELECT 1 -- {}",
                                  "SELECT {'a': 1}", "SELECT {", "SELECT \"{}\""}) {
    EXPECT_EQ(PlaceholderAdvice(query, {"users"}), "") << query;
  }
}

TEST(WithArticle, IsAsItIsSpoken) {
  EXPECT_EQ(WithArticle("EXPLAIN"), "an EXPLAIN");
  EXPECT_EQ(WithArticle("SET"), "a SET");
  EXPECT_EQ(WithArticle("UPDATE"), "an UPDATE");
}

}  // namespace
}  // namespace smallpond
