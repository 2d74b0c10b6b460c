#pragma once

#include "duckdb_adapter/connection/connection.h"

namespace smallpond {

/// As long as it lives, a connection reads all its tables as they were at the beginning.
class ReadTransaction {
 public:
  explicit ReadTransaction(Connection& connection) : connection_(connection) {
    connection_.Run(Statement::Parse("BEGIN TRANSACTION"));
  }
  ~ReadTransaction() {
    try {
      connection_.Run(Statement::Parse("ROLLBACK"));
    } catch (const Error&) {  // The database has failed.
    }
  }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Connection& connection_;
};

}  // namespace smallpond
