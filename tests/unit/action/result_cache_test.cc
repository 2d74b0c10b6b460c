#include "action/result_cache.h"

#include <gtest/gtest.h>

#include "rows_of.h"
#include "small_session.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

// The statement runs in the middle of the query, in which DuckDB has bound the macro already.
TEST(ResultCache, KeepsNoRowsOfAQueryDuringWhichAMacroChanged) {
  Session session = Session::Init(SmallOptions());
  session.Execute("CREATE MACRO version() AS 1");
  DataFrame frame = session.Sql(
      "SELECT version() AS v, count(*) AS n FROM range(100_000_000) t(i) WHERE hash(i) > 9");
  int ticks = 0;
  HeldStream stream;
  frame.Collect(stream.get(), -1, [&](const Progress&) {
    if (++ticks == 1) session.Execute("CREATE OR REPLACE MACRO version() AS 2");
    return true;
  });
  ASSERT_GE(ticks, 1) << "The query was too short for this test.";
  EXPECT_EQ(RowsOf(session, frame, "SELECT v FROM {0}"), Rows({"(2)"}));
}

}  // namespace
}  // namespace smallpond
