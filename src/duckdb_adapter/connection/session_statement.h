#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/connection/connection.h"
#include "duckdb_adapter/sql/statement.h"

namespace smallpond {

/// Parses the statements of a script, in order, by the settings of the connection. Throws
/// InvalidInput where there is none.
std::vector<Statement> ParseScript(const std::string& sql, Connection& connection);

/// Throws Unsupported that says what to use instead for queries, transactions, prepared statements
/// and everything that writes files.
void CheckChangesSession(const Statement& statement);

/// Whether a statement changes what later connections and workers have to be given: SET, RESET,
/// USE, PRAGMA, LOAD, and CREATE and DROP of secrets. What others change all connections of the
/// session see by themselves; views and macros are written out where a query is bound, and tables
/// stay with the driver.
bool ChangesSettings(const Statement& statement);

/// Returns the table whose rows an INSERT, UPDATE, DELETE, MERGE or COPY changes; "" for others.
std::string ChangedTable(const Statement& statement);

/// Whether a statement that changes the database makes or changes no rows, so that running it on
/// another database gives what it gave on the first: it creates or drops a view, macro, type,
/// schema, sequence or secret, attaches, detaches or loads.
bool MakesNoRows(const Statement& statement);
/// Returns the table or view that a CREATE makes in memory, in no other schema than the first, or
/// that a DROP removes; "" for others.
std::string CreatedTable(const Statement& statement);
std::string DroppedTable(const Statement& statement);

/// Lets a temporary table, view, macro or type live as long as the session: each action has a
/// connection of its own, which would not see it.
void MakePermanent(Statement& statement);

}  // namespace smallpond
