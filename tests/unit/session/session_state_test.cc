// A session whose DuckDB has failed for good.

#include "session/session_state.h"

#include <gtest/gtest.h>

#include "error_of.h"
#include "scratch_folder.h"

namespace smallpond {
namespace {

int64_t Number(Connection& connection, const std::string& sql) {
  return connection.QueryInt64(Statement::ParseQuery(sql));
}

TEST(SessionState, GoesOnWithAnotherDatabase) {
  ScratchFolder scratch;
  Options options;
  options.temp_dir = scratch.path();
  options.duckdb_memory_bytes = 500'000'000;
  auto session = SessionState::Open(options);
  auto run = [&](const std::string& sql) {
    auto connection = session->Connect();
    connection->Run(Statement::Parse(sql));
    session->AddDatabaseStep(Statement::Parse(sql), connection->settings());
  };
  run("CREATE MACRO twice(x) AS 2 * x");
  run("CREATE TABLE t AS SELECT 21 AS i");
  for (int i = 0; i < 2; ++i) {
    auto connection = session->Connect();
    auto other = session->Connect();
    connection->Break();
    EXPECT_TRUE(other->IsBroken());
    std::string failure =
        ErrorOf(ErrorKind::kUnavailable, [&] { Number(*other, "SELECT twice(21)"); });
    EXPECT_CONTAINS(failure, "Run it again");
    EXPECT_CONTAINS(session->Explain(Error(ErrorKind::kInternal, "x")).what(),
                    "goes on with a new");
    EXPECT_EQ(Number(*session->Connect(), "SELECT twice(21)"), 42);
    EXPECT_LACKS(session->Explain(Error(ErrorKind::kInternal, "x")).what(), "goes on with a new");
  }
  std::string lost = InvalidInputOf([&] { Number(*session->Connect(), "SELECT i FROM t"); });
  EXPECT_CONTAINS(session->Explain(Error(ErrorKind::kInvalidInput, lost)).what(), "'t' was lost");
}

TEST(SessionState, KeepsWhatLocksAnotherDatabase) {
  ScratchFolder scratch;
  Options options;
  options.temp_dir = scratch.path();
  options.duckdb_memory_bytes = 500'000'000;
  auto session = SessionState::Open(options);
  for (const char* sql : {"SET threads = 1", "SET enable_external_access = false",
                          "SET VARIABLE v = 42", "SET lock_configuration = true"}) {
    session->ChangeSettings([&](Connection& connection) {
      return SessionSettings::RunAndTake(connection, Statement::Parse(sql));
    });
  }
  session->Connect()->Break();
  EXPECT_EQ(Number(*session->Connect(), "SELECT getvariable('v')"), 42);
  EXPECT_EQ(Number(*session->Connect(), "SELECT current_setting('threads')"), 1);
  for (const char* name : {"enable_external_access", "lock_configuration"}) {
    EXPECT_EQ(
        Number(*session->Connect(), "SELECT current_setting('" + std::string(name) + "')::INTEGER"),
        std::string(name) == "lock_configuration");
  }
  InvalidInputOf([&] { session->Connect()->Run(Statement::Parse("SET threads = 2")); });
}

}  // namespace
}  // namespace smallpond
