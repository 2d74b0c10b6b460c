// Several sessions, frames and queries at a time, each from threads of its own.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "arrow_batches.h"
#include "error_of.h"
#include "rows_of.h"
#include "scratch_folder.h"
#include "small_session.h"
#include "smallpond/smallpond.h"

namespace smallpond {
namespace {

constexpr int kThreads = 6;
constexpr int kRounds = 8;

// Runs `work(thread, round)` on all threads and reports what they throw.
void InParallel(const std::function<void(int thread, int round)>& work) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        try {
          work(thread, round);
        } catch (const std::exception& error) {
          ADD_FAILURE() << "thread " << thread << ", round " << round << ": " << error.what();
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Parallel, QueriesOfOneSession) {
  Session session = Session::Init(SmallOptions());
  InParallel([&](int thread, int round) {
    int n = 1000 * thread + round + 1;
    DataFrame frame = session.Sql("SELECT i, i % 7 AS k FROM range(?) t(i)", {.params = {n}});
    EXPECT_EQ(frame.Count(), n);
    DataFrame groups =
        session.Sql("SELECT k, count(*) AS n FROM {0} GROUP BY k", {.positional = {frame}});
    EXPECT_EQ(RowsOf(session, groups, "SELECT sum(n) AS n FROM {0}"),
              Rows({"(" + std::to_string(n) + ")"}));
    InvalidInputOf([&] { session.Sql("SELECT nope FROM {0}", {.positional = {frame}}); });
  });
}

TEST(Parallel, ActionsOnOneFrame) {
  ScratchFolder folder;
  Session session = Session::Init(SmallOptions());
  DataFrame frame =
      session.Sql("SELECT i, i % 7 AS k FROM range(5000) t(i)").Repartition(3, {.hash_by = {"k"}});
  DataFrame parts = session.PartialSql("SELECT k, count(*) AS n FROM {0} GROUP BY k",
                                       {.positional = {frame}}, MergeMode::kConcat);
  std::string text = frame.ToText(), plan = parts.Explain();
  const std::vector<std::function<void(const std::string&)>> actions = {
      [&](const std::string&) { EXPECT_EQ(frame.Count(), 5000); },
      [&](const std::string&) { EXPECT_EQ(frame.ToText(), text); },
      [&](const std::string&) { EXPECT_EQ(parts.Count(), 7); },
      [&](const std::string&) { EXPECT_EQ(parts.Explain(), plan); },
      [&](const std::string& name) {
        EXPECT_EQ(frame.WriteParquet(folder.Path(name)).num_files, 3);
        EXPECT_EQ(session.ReadParquet({folder.Path(name)}).Count(), 5000);
      },
      [&](const std::string&) {
        HeldStream stream;
        frame.ToArrowStream(stream.get());
        int64_t rows = 0;
        for (ArrowArray batch = stream.Next(); batch.release; batch = stream.Next()) {
          rows += batch.length;
          batch.release(&batch);
        }
        EXPECT_EQ(rows, 5000);
      }};
  InParallel([&](int thread, int round) {
    actions[(thread + round) % actions.size()](std::to_string(thread) + "-" +
                                               std::to_string(round));
  });
}

TEST(Parallel, SessionsThatComeAndGo) {
  InParallel([](int thread, int round) {
    Options options;
    options.threads = 1 + (thread + round) % 2;
    if (thread % 2 == 0) options.duckdb_memory_bytes = 100'000'000;  // The others share a budget.
    Session session = Session::Init(options);
    session.Execute("CREATE TABLE t AS SELECT " + std::to_string(thread) + " AS x");
    DataFrame frame = session.Sql("FROM t");
    EXPECT_EQ(RowsOf(session, frame), Rows({"(" + std::to_string(thread) + ")"}));
    if (round % 2 == 0) session.Close();
    EXPECT_EQ(frame.Count(), 1);
  });
}

TEST(Parallel, SessionsOverTheSameFiles) {
  ScratchFolder folder;
  Session writer = Session::Init(SmallOptions());
  writer.Sql("SELECT i FROM range(1000) t(i)").WriteParquet(folder.Path("data"));
  InParallel([&](int thread, int round) {
    Options options;
    options.threads = 1;
    options.duckdb_memory_bytes = 100'000'000;
    Session session = Session::Init(options);
    DataFrame data = session.ReadParquet({folder.Path("data")});
    // Every version has a multiple of 1000 rows; a mixture of two would not.
    EXPECT_EQ(data.Count() % 1000, 0);
    if (thread == 0) {
      writer.Sql("SELECT i FROM range(?) t(i)", {.params = {1000 * (round + 1)}})
          .WriteParquet(folder.Path("data"));
    }
  });
}

TEST(Parallel, StoppingSomeAndRunningOthers) {
  Session session = Session::Init(SmallOptions());
  DataFrame endless =
      session.Sql("SELECT sum(hash(a.i + b.i)) AS s FROM range(3000000) a(i), range(3000000) b(i)");
  InParallel([&](int thread, int) {
    if (thread % 2 == 0) {
      ErrorOf(ErrorKind::kCancelled,
              [&] { endless.ToText(20, 80, [](const Progress&) { return false; }); });
    } else {
      EXPECT_EQ(session.Sql("SELECT count(*) AS n FROM range(100000)").Count(), 1);
    }
  });
}

TEST(Parallel, ClosingWhileOthersQuery) {
  for (int i = 0; i < 20; ++i) {
    Session session = Session::Init(SmallOptions());
    std::atomic<int> answers{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        try {
          for (;;) answers += static_cast<int>(session.Sql("SELECT 1 AS x").Count());
        } catch (const Error& error) {
          EXPECT_CONTAINS(std::string(error.what()), "The session is closed");
        }
      });
    }
    while (answers < i) std::this_thread::yield();
    session.Close();
    for (auto& thread : threads) thread.join();
  }
}

TEST(Parallel, SettingsWhileQueriesRun) {
  Session session = Session::Init(SmallOptions());
  session.Execute("CREATE TABLE t AS SELECT 1 AS x");
  InParallel([&](int thread, int round) {
    std::string name = "t" + std::to_string(thread) + "_" + std::to_string(round);
    session.Execute("CREATE TABLE " + name + " AS SELECT x + " + std::to_string(round) +
                    " AS x FROM t");
    session.Execute("SET VARIABLE v" + std::to_string(thread) + " = " + std::to_string(round));
    EXPECT_EQ(RowsOf(session, session.Sql("FROM " + name)),
              Rows({"(" + std::to_string(1 + round) + ")"}));
    EXPECT_EQ(
        RowsOf(session, session.Sql("SELECT getvariable('v" + std::to_string(thread) + "') AS v")),
        Rows({"(" + std::to_string(round) + ")"}));
  });
}

TEST(Parallel, FramesDroppedByOtherThreads) {
  ArrowLedger ledger;
  {
    Session session = Session::Init(SmallOptions());
    InParallel([&](int, int) {
      ArrowMaker make(ledger);
      ArrowArrayStream stream;
      std::vector<ArrowSchema> fields = {make.Field("l", "a")};
      std::vector<ArrowArray> batches = {make.Batch(3, {make.Numbers<int64_t>({1, 2, 3})})};
      BatchStream::Open(std::make_unique<BatchStream>(
                            ledger, make.Field("+s", "", std::move(fields)), std::move(batches)),
                        &stream);
      auto frame = std::make_unique<DataFrame>(session.FromArrow(&stream));
      std::thread([moved = std::move(frame)] { EXPECT_EQ(moved->Count(), 3); }).join();
    });
  }
  EXPECT_TRUE(ledger.Settled());
}

}  // namespace
}  // namespace smallpond
