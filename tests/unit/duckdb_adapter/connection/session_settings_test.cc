#include "duckdb_adapter/connection/session_settings.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/connection/session_statement.h"
#include "error_of.h"

namespace smallpond {
namespace {

DatabaseLimits Limits() { return {.memory_bytes = 200'000'000, .threads = 2, .temp_dir = ""}; }

class SessionSettingsTest : public ::testing::Test {
 protected:
  // Runs statements one after the other, as a session does.
  void Run(const std::string& script) {
    Connection parser(driver_, settings_);
    for (auto& statement : ParseScript(script, parser)) {
      Connection connection(driver_, settings_);
      if (ChangesSettings(statement)) {
        settings_ = SessionSettings::RunAndTake(connection, std::move(statement));
      } else {
        connection.Run(std::move(statement));
      }
    }
  }

  int64_t Ask(const std::string& sql) {
    return Connection(driver_, settings_).QueryInt64(Statement::ParseQuery(sql));
  }
  // On a connection of a worker that is set up now.
  int64_t AskWorker(const std::string& sql) {
    Database database(Limits());
    SettingsRef settings = SessionSettings::SetUpWorker(database, settings_->ForWorkers());
    for (int i = 0; i < 2; ++i)
      Connection(database, settings).QueryInt64(Statement::ParseQuery(sql));
    return Connection(database, settings).QueryInt64(Statement::ParseQuery(sql));
  }

  Database driver_{Limits()};
  SettingsRef settings_ = SessionSettings::None();
};

const std::string kSecrets = "SELECT count(*) FROM duckdb_secrets() WHERE name = 'mine'";

TEST_F(SessionSettingsTest, SecretsAreWorkersToo) {
  Run("CREATE SECRET mine (TYPE http, BEARER_TOKEN 'hush')");
  EXPECT_EQ(AskWorker(kSecrets), 1);
  auto before = settings_->worker_version();
  Run("DROP SECRET mine");
  EXPECT_NE(settings_->worker_version(), before);
  EXPECT_EQ(AskWorker(kSecrets), 0);
  Run("CREATE SECRET mine (TYPE http, BEARER_TOKEN 'a');"
      "CREATE OR REPLACE SECRET mine (TYPE http, BEARER_TOKEN 'b')");
  EXPECT_EQ(AskWorker(kSecrets), 1);
}

TEST_F(SessionSettingsTest, LoadIsRunOnceInAWorker) {
  Run("LOAD json; SET TimeZone = 'Asia/Tokyo'");
  EXPECT_EQ(AskWorker("SELECT (current_setting('TimeZone') = 'Asia/Tokyo')::BIGINT"), 1);
}

TEST_F(SessionSettingsTest, ValuesAreComputedOnce) {
  Run("SET VARIABLE v = random(); SET VARIABLE n = (SELECT count(*) FROM duckdb_tables())");
  const std::string now = "SELECT (getvariable('v') * 1e15)::BIGINT";
  EXPECT_EQ(Ask(now), Ask(now));
  Run("CREATE TABLE t (x INTEGER)");
  EXPECT_EQ(Ask("SELECT getvariable('n')"), 0);
}

TEST_F(SessionSettingsTest, ALockedConfigurationLocksNobodyOut) {
  Run("SET default_null_order = 'nulls_first'; SET TimeZone = 'Asia/Tokyo';"
      "SET allowed_directories = ['/nowhere']; SET enable_external_access = false;"
      "SET lock_configuration = true");
  const std::string zone = "SELECT (current_setting('TimeZone') = 'Asia/Tokyo')::BIGINT";
  EXPECT_EQ(Ask(zone), 1);
  EXPECT_EQ(AskWorker(zone), 1);
  ErrorOf(ErrorKind::kInvalidInput, [&] { Run("SET TimeZone = 'UTC'"); });
  ErrorOf(ErrorKind::kIo, [&] { Ask("SELECT count(*) FROM read_text('/etc/hostname')"); });
}

TEST_F(SessionSettingsTest, ResetGivesBackWhatTheSessionBeganWith) {
  Run("SET threads = 1; RESET threads");
  EXPECT_EQ(Ask("SELECT current_setting('threads')"), 2);
  EXPECT_EQ(AskWorker("SELECT current_setting('threads')"), 2);
}

TEST_F(SessionSettingsTest, WorkersAreSetUpAnewOnlyWhereTheyDiffer) {
  auto before = settings_->worker_version();
  Run("SET VARIABLE v = 1; SET search_path = 'main'; SET lock_configuration = false");
  EXPECT_EQ(settings_->worker_version(), before);
  Run("SET TimeZone = 'UTC'");
  EXPECT_NE(settings_->worker_version(), before);
}

}  // namespace
}  // namespace smallpond
