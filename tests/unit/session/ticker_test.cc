// Queries that tell how far they are and can be stopped.

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "error_of.h"
#include "rows_of.h"
#include "scratch_folder.h"
#include "small_session.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

class TickerTest : public ::testing::Test {
 protected:
  // Takes minutes where nobody stops it.
  DataFrame Endless() {
    return session_.Sql(
        "SELECT sum(hash(a.i + b.i)) AS s FROM range(3000000) a(i), range(3000000) b(i)");
  }

  struct Action {
    const char* name;
    std::function<void(const DataFrame&, const Ticker&)> run;
  };
  std::vector<Action> Actions() {
    return {
        {"Count", [](const DataFrame& f, const Ticker& t) { f.Count(t); }},
        {"Collect",
         [](const DataFrame& f, const Ticker& t) { f.Collect(HeldStream().get(), -1, t); }},
        {"ToArrowStream",
         [](const DataFrame& f, const Ticker& t) { f.ToArrowStream(HeldStream().get(), t); }},
        {"ToText", [](const DataFrame& f, const Ticker& t) { f.ToText(20, 80, t); }},
        {"ToHtml", [](const DataFrame& f, const Ticker& t) { f.ToHtml(20, t); }},
        {"WriteParquet", [this](const DataFrame& f,
                                const Ticker& t) { f.WriteParquet(folder_.Path("out"), {}, t); }},
        {"WriteCsv",
         [this](const DataFrame& f, const Ticker& t) { f.WriteCsv(folder_.Path("out"), {}, t); }},
        {"WriteFile", [this](const DataFrame& f,
                             const Ticker& t) { f.WriteFile(folder_.Path("x.csv"), "csv", t); }},
    };
  }

  ScratchFolder folder_;
  Session session_ = Session::Init(SmallOptions());
};

TEST_F(TickerTest, StopsAnyActionThatItSaysNoTo) {
  DataFrame counted = session_.Sql("SELECT s FROM {0} WHERE s > 0", {.positional = {Endless()}});
  for (const auto& action : Actions()) {
    SCOPED_TRACE(action.name);
    int ticks = 0;
    auto stop_at_second = [&](const Progress&) { return ++ticks < 2; };
    EXPECT_EQ(ErrorOf(ErrorKind::kCancelled, [&] { action.run(counted, stop_at_second); }),
              "The query was stopped.");
    EXPECT_EQ(ticks, 2);
  }
  EXPECT_TRUE(folder_.List().empty()) << "nothing is left of the writes";
  EXPECT_EQ(session_.Sql("SELECT 1 AS x").Count(), 1) << "the session goes on";
}

TEST_F(TickerTest, HandsOnWhatATickerThrowsWhenTheQueryHasEnded) {
  struct Interrupt {
    int signal;
  };
  DataFrame counted = session_.Sql("SELECT s FROM {0} WHERE s > 0", {.positional = {Endless()}});
  for (const auto& action : Actions()) {
    SCOPED_TRACE(action.name);
    try {
      action.run(counted, [](const Progress&) -> bool { throw Interrupt{2}; });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Interrupt& interrupt) {
      EXPECT_EQ(interrupt.signal, 2);
    }
  }
  EXPECT_TRUE(folder_.List().empty());
}

TEST_F(TickerTest, StopsBetweenThePartitionsOfAQueryToo) {
  DataFrame spread = session_.Sql("SELECT i FROM range(100) t(i)").Repartition(50);
  DataFrame slow = session_.PartialSql(
      "SELECT sum(hash(a.i + b.i)) AS s FROM {0} JOIN range(200000) a(i) ON true JOIN range(2000) "
      "b(i) ON true",
      {.positional = {spread}}, MergeMode::kConcat);
  int ticks = 0;
  ErrorOf(ErrorKind::kCancelled, [&] { slow.Count([&](const Progress&) { return ++ticks < 3; }); });
  EXPECT_EQ(ticks, 3);
}

TEST_F(TickerTest, RunsOnTheCallersThreadWithTimeAndProgress) {
  auto caller = std::this_thread::get_id();
  std::vector<Progress> seen;
  // Long enough for several ticks on any machine, as it is stopped by the ticks themselves.
  ErrorOf(ErrorKind::kCancelled, [&] {
    Endless().Collect(HeldStream().get(), -1, [&](const Progress& progress) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      seen.push_back(progress);
      return seen.size() < 4;
    });
  });
  ASSERT_EQ(seen.size(), 4u);
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_GE(seen[i].seconds, 0.001 * kTickIntervalMs * static_cast<double>(i + 1) * 0.9);
    EXPECT_TRUE(seen[i].fraction == -1 || (seen[i].fraction >= 0 && seen[i].fraction <= 1))
        << seen[i].fraction;
    EXPECT_GT(seen[i].seconds, i == 0 ? 0 : seen[i - 1].seconds);
  }
}

TEST_F(TickerTest, ChangesNothingWhereItSaysYes) {
  int ticks = 0;
  Ticker yes = [&](const Progress&) { return ++ticks > 0; };
  DataFrame frame =
      session_.Sql("SELECT sum(hash(i)) AS s, count(*) AS n FROM range(50000000) t(i)");
  HeldStream with, without;
  frame.Collect(with.get(), -1, yes);
  session_.Sql("SELECT sum(hash(i)) AS s, count(*) AS n FROM range(50000000) t(i)")
      .Collect(without.get());
  ArrowArray a = with.Next(), b = without.Next();
  EXPECT_EQ(static_cast<const int64_t*>(a.children[1]->buffers[1])[0], 50'000'000);
  EXPECT_EQ(static_cast<const int64_t*>(b.children[1]->buffers[1])[0], 50'000'000);
  a.release(&a);
  b.release(&b);
  EXPECT_EQ(session_.Sql("SELECT 1 AS x").Count(yes), 1);
}

TEST_F(TickerTest, LetsAnErrorOfTheQueryThrough) {
  DataFrame failing = session_.Sql(
      "SELECT sum(CASE WHEN i = 49999999 THEN error('late') ELSE hash(i)::DOUBLE END) AS s FROM "
      "range(50000000) t(i)");
  EXPECT_CONTAINS(InvalidInputOf([&] { RowsOf(session_, failing); }), "late");
  EXPECT_CONTAINS(InvalidInputOf([&] {
                    failing.Collect(HeldStream().get(), -1, [](const Progress&) { return true; });
                  }),
                  "late");
}

TEST_F(TickerTest, StopsAPivotThatLooksAtItsData) {
  DataFrame slow = session_.Sql(
      "SELECT hash(a.i + b.i) % 3 AS k, 1 AS v FROM range(3000000) a(i), range(3000000) b(i)");
  SqlInputs inputs{.positional = {slow}, .ticker = [](const Progress&) { return false; }};
  ErrorOf(ErrorKind::kCancelled, [&] { session_.Sql("PIVOT {0} ON k USING sum(v)", inputs); });
}

}  // namespace
}  // namespace smallpond
