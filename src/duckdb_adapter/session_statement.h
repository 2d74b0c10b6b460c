#pragma once

#include <string>
#include <vector>

#include "duckdb_adapter/statement.h"

namespace smallpond {

/// What a statement that is no query changes.
enum class StatementEffect {
  kConnection,  ///< Settings and variables of one connection: SET, RESET, USE, PRAGMA.
  kDatabase,    ///< What all connections of the session see: CREATE, ATTACH, LOAD, INSERT …
};

/// Parses the statements of a script, in order. Throws InvalidInput where there is none.
std::vector<Statement> ParseScript(const std::string& sql);

/// Returns what a statement changes. Throws Unsupported that says what to use instead for queries,
/// transactions, prepared statements and everything that writes files.
StatementEffect EffectOf(const Statement& statement);

/// Returns the statement as SQL where worker processes need it too: settings, extensions and
/// secrets; "" for others. Views and macros are written out where a query is bound, and tables stay
/// with the driver.
std::string SqlForWorkers(const Statement& statement);
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
