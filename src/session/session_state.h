#pragma once

#include <memory>
#include <string>

#include "duckdb_adapter/connection.h"
#include "duckdb_adapter/database.h"
#include "smallpond/options.h"

namespace smallpond {

/// What a session and its frames share. Any thread may use it.
class SessionState {
 public:
  explicit SessionState(const Options& options);

  const Options& options() const { return options_; }
  Database& database() { return *database_; }
  std::unique_ptr<Connection> Connect() { return std::make_unique<Connection>(*database_); }

 private:
  Options options_;  // With every default filled in.
  std::unique_ptr<Database> database_;
};

}  // namespace smallpond
